// Value by value.

KERNEL N(activation)(const T *x, T *y, int n, int function) {
    map(n, x, (const T *)nullptr, y, [=](int, float x, float) { return function_of(function, x); });
}

KERNEL N(activation_backward)(const T *dy, const T *x, T *dx, int n, int function) {
    map(n, dy, x, dx, [=](int, float dy, float x) { return dy * slope_of(function, x); });
}

// What belongs to a positive value stays; also where the gradient is not finite.
KERNEL N(relu_backward)(const T *dy, const T *y, T *dx, int n) {
    map(n, dy, y, dx, [=](int, float dy, float y) { return y > 0.0f ? dy : 0.0f; });
}

KERNEL N(add)(const T *a, const T *b, T *y, int n, int relu) {
    map(n, a, b, y, [=](int, float a, float b) {
        float v = a + b;
        return relu && v < 0.0f ? 0.0f : v;
    });
}

// y[i] += bias of its channel, in place, and ReLU where asked for.
KERNEL N(bias)(T *y, const float *bias, int n, int channels, int relu) {
    map_channels(
        n, channels, y, (const T *)nullptr, y, [=](int c) { return bias[c]; },
        [=](float y, float, float bias) {
            float v = y + bias;
            return relu && v < 0.0f ? 0.0f : v;
        });
}

// x × the factor of its channel; `rows` rows of channels one after another have the same factors.
KERNEL N(scale)(const T *x, const float *factors, T *y, int n, int channels, int rows) {
    int span = rows * channels;
    map(n, x, (const T *)nullptr, y,
        [=](int i, float x, float) { return x * factors[(i / span) * channels + i % channels]; });
}

// As `scale`, with factors of the values' type.
KERNEL N(gate)(const T *x, const T *factors, T *y, int n, int channels, int rows) {
    int span = rows * channels;
    map(n, x, (const T *)nullptr, y,
        [=](int i, float x, float) { return x * load(factors + (i / span) * channels + i % channels); });
}

// (x - mean) * rstd * gamma + beta, of each channel, and ReLU where asked for.
KERNEL N(normalize)(const T *x, const float *mean, const float *rstd, const float *gamma, const float *beta, T *y, int n,
                    int channels, int relu) {
    map_channels(
        n, channels, x, (const T *)nullptr, y,
        [=](int c) { return make_float3(mean[c], rstd[c] * gamma[c], beta[c]); },
        [=](float x, float, float3 p) {
            float v = (x - p.x) * p.y + p.z;
            return relu && v < 0.0f ? 0.0f : v;
        });
}

// Whether ReLU lets a gradient through, where it followed `normalize`.
__device__ __forceinline__ bool N(passes)(float x, float mean, float rstd, float gamma, float beta, int relu) {
    float y;
    store_as<T>(&y, (x - mean) * (rstd * gamma) + beta);
    return !relu || y > 0.0f;
}

// The input's gradient of `normalize` where mean and deviation are the batch's: `sums` are those of dy and of
// dy × normalized x, of each channel, of the dy that ReLU lets through.
KERNEL N(normalize_backward)(const T *dy, const T *x, const float *mean, const float *rstd, const float *gamma,
                             const float *beta, const float *sums, T *dx, int n, int channels, int relu) {
    float inverse = (float)channels / (float)n;
    map_channels(
        n, channels, dy, x, dx,
        [=](int c) {
            return Channel{mean[c], rstd[c], gamma[c], beta[c], inverse * sums[c], inverse * sums[channels + c]};
        },
        [=](float dy, float x, Channel p) {
            float normalized = (x - p.mean) * p.rstd;
            float g = N(passes)(x, p.mean, p.rstd, p.gamma, p.beta, relu) ? dy : 0.0f;
            return p.gamma * p.rstd * (g - (p.plain + normalized * p.weighted));
        });
}

// dy × rstd × gamma of each channel: the input's gradient where mean and deviation are given.
KERNEL N(normalize_given_backward)(const T *dy, const T *x, const float *mean, const float *rstd, const float *gamma,
                                   const float *beta, T *dx, int n, int channels, int relu) {
    map_channels(
        n, channels, dy, x, dx, [=](int c) { return Channel{mean[c], rstd[c], gamma[c], beta[c], 0.0f, 0.0f}; },
        [=](float dy, float x, Channel p) {
            float g = N(passes)(x, p.mean, p.rstd, p.gamma, p.beta, relu) ? dy : 0.0f;
            return g * p.rstd * p.gamma;
        });
}

// Sets values to 0 whose uniform value is less than `rate`, and scales the others.
KERNEL N(dropout)(const T *x, T *y, int n, float rate, float scale, Stream of, const Numbers *numbers) {
    Stream stream = at_step(of, numbers);
    each((n + 15) / 16, [=](int block) {
        unsigned words[16];
        chacha8(stream, block, words);
#pragma unroll
        for (int j = 0; j < 16; j++) {
            int i = 16 * block + j;
            if (i < n) store(y + i, unit(words[j]) >= rate ? load(x + i) * scale : 0.0f);
        }
    });
}

// As `dropout`, whole samples of `span` values.
KERNEL N(drop_path)(const T *x, T *y, int n, int span, float rate, float scale, Stream of,
                     const Numbers *numbers) {
    Stream stream = at_step(of, numbers);
    each((n + 3) / 4, [=](int four) {
        unsigned words[16];
        for (int i = 4 * four; i < n && i < 4 * four + 4; i++) {
            int sample = i / span;
            if (i == 4 * four || sample / 16 != (i - 1) / span / 16) chacha8(stream, sample / 16, words);
            unsigned word = 0;
#pragma unroll
            for (int j = 0; j < 16; j++) word = j == sample % 16 ? words[j] : word;
            store(y + i, unit(word) >= rate ? load(x + i) * scale : 0.0f);
        }
    });
}

KERNEL N(from_f32)(const float *x, T *y, int n) {
    map(n, x, (const float *)nullptr, y, [=](int, float x, float) { return x; });
}

KERNEL N(to_f32)(const T *x, float *y, int n) {
    map(n, x, (const T *)nullptr, y, [=](int, float x, float) { return x; });
}
