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

KERNEL N(add)(const T *a, const T *b, T *y, int n) {
    map(n, a, b, y, [=](int, float a, float b) { return a + b; });
}

// y[i] += bias of its channel, in place, and ReLU where asked for.
KERNEL N(bias)(T *y, const float *bias, int n, int channels, int relu) {
    map(n, y, (const T *)nullptr, y, [=](int i, float y, float) {
        float v = y + bias[i % channels];
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

// (x - mean) * rstd * gamma + beta, of each channel.
KERNEL N(normalize)(const T *x, const float *mean, const float *rstd, const float *gamma, const float *beta, T *y, int n,
                    int channels) {
    map(n, x, (const T *)nullptr, y, [=](int i, float x, float) {
        int c = i % channels;
        return (x - mean[c]) * (rstd[c] * gamma[c]) + beta[c];
    });
}

// The input's gradient of `normalize` where mean and deviation are the batch's: `sums` are those of dy and of
// dy × normalized x, of each channel.
KERNEL N(normalize_backward)(const T *dy, const T *x, const float *mean, const float *rstd, const float *gamma,
                             const float *sums, T *dx, int n, int channels) {
    float inverse = (float)channels / (float)n;
    map(n, dy, x, dx, [=](int i, float dy, float x) {
        int c = i % channels;
        float normalized = (x - mean[c]) * rstd[c];
        return gamma[c] * rstd[c] * (dy - inverse * (sums[c] + normalized * sums[channels + c]));
    });
}

// dy × rstd × gamma of each channel: the input's gradient where mean and deviation are given.
KERNEL N(normalize_given_backward)(const T *dy, const float *rstd, const float *gamma, T *dx, int n, int channels) {
    map(n, dy, (const T *)nullptr, dx, [=](int i, float dy, float) {
        int c = i % channels;
        return dy * rstd[c] * gamma[c];
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
