// Sums over the rows of [rows, channels], in an order that does not depend on anything but the sizes: first by blocks of
// 32 channels × 8 threads, each part of the rows a block, to `partial` [kind of sum, part, channel]; then over the parts.

#ifndef COLUMNS
#define COLUMNS
template <int K, typename F>
__device__ __forceinline__ void column_parts(int rows, int channels, int parts, float *partial, F f) {
    __shared__ float shared[K][8][33];
    int c = blockIdx.x * 32 + threadIdx.x, part = blockIdx.y;
    int start = (int)((long long)rows * part / parts), end = (int)((long long)rows * (part + 1) / parts);
    float sums[K] = {};
    if (c < channels)
        for (int row = start + threadIdx.y; row < end; row += 8) f(row, c, sums);
#pragma unroll
    for (int k = 0; k < K; k++) shared[k][threadIdx.y][threadIdx.x] = sums[k];
    __syncthreads();
    if (threadIdx.y == 0 && c < channels)
#pragma unroll
        for (int k = 0; k < K; k++) {
            float sum = 0.0f;
            for (int i = 0; i < 8; i++) sum += shared[k][i][threadIdx.x];
            partial[((long long)k * parts + part) * channels + c] = sum;
        }
}

// The sum over the parts of sum `k` of a channel, in the threads with threadIdx.y = 0; for blocks of 32 × 32.
__device__ __forceinline__ float column_total(const float *partial, int parts, int channels, int k, float (*shared)[33]) {
    int c = blockIdx.x * 32 + threadIdx.x;
    float sum = 0.0f;
    if (c < channels)
        for (int part = threadIdx.y; part < parts; part += 32) sum += partial[((long long)k * parts + part) * channels + c];
    __syncthreads();
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    double total = 0.0;
    if (threadIdx.y == 0)
        for (int i = 0; i < 32; i++) total += shared[i][threadIdx.x];
    return (float)total;
}

// The totals of `kinds` sums, [kind, channel].
KERNEL column_totals(const float *partial, int parts, int channels, int kinds, float *out) {
    __shared__ float shared[32][33];
    int c = blockIdx.x * 32 + threadIdx.x;
    for (int k = 0; k < kinds; k++) {
        float total = column_total(partial, parts, channels, k, shared);
        if (threadIdx.y == 0 && c < channels) out[k * channels + c] = total;
    }
}

// From the sums of x - shift and its square: mean, population variance and 1 / sqrt(variance + epsilon) of each channel.
KERNEL moments(const float *partial, int parts, int channels, int rows, const float *shift, float epsilon, float *mean,
               float *variance, float *rstd) {
    __shared__ float shared[32][33];
    int c = blockIdx.x * 32 + threadIdx.x;
    float sum = column_total(partial, parts, channels, 0, shared);
    float squares = column_total(partial, parts, channels, 1, shared);
    if (threadIdx.y == 0 && c < channels) {
        float off = sum / rows;
        float spread = fmaxf(squares / rows - off * off, 0.0f);
        mean[c] = shift[c] + off;
        variance[c] = spread;
        rstd[c] = 1.0f / sqrtf(spread + epsilon);
    }
}

// 1 / sqrt(variance + epsilon).
KERNEL inverse_deviation(const float *variance, float epsilon, float *rstd, int n) {
    each(n, [=](int i) { rstd[i] = 1.0f / sqrtf(variance[i] + epsilon); });
}

// moving = moving * momentum + batch * rest, in place.
KERNEL move_towards(float *moving, const float *batch, float momentum, float rest, int n) {
    each(n, [=](int i) { moving[i] = moving[i] * momentum + batch[i] * rest; });
}
#endif

KERNEL N(column_sum)(const T *x, int rows, int channels, int parts, float *partial) {
    column_parts<1>(rows, channels, parts, partial,
                    [=](int row, int c, float *sums) { sums[0] += load(x + (long long)row * channels + c); });
}

// Of x × y, for each of as many images as gridDim.z: rows are those of an image.
KERNEL N(column_product)(const T *x, const T *y, int rows, int channels, int parts, float *partial) {
    long long image = (long long)blockIdx.z * rows * channels;
    column_parts<1>(rows, channels, parts, partial + (long long)blockIdx.z * parts * channels,
                    [=](int row, int c, float *sums) {
                        long long i = image + (long long)row * channels + c;
                        sums[0] += load(x + i) * load(y + i);
                    });
}

// The shift of `column_moments`: the first row.
KERNEL N(first_row)(const T *x, float *shift, int channels) {
    each(channels, [=](int c) { shift[c] = load(x + c); });
}

KERNEL N(column_moments)(const T *x, const float *shift, int rows, int channels, int parts, float *partial) {
    column_parts<2>(rows, channels, parts, partial, [=](int row, int c, float *sums) {
        float v = load(x + (long long)row * channels + c) - shift[c];
        sums[0] += v;
        sums[1] += v * v;
    });
}

// Of dy, and of dy × normalized x, mean and deviation being those of the channel.
KERNEL N(column_gradients)(const T *dy, const T *x, const float *mean, const float *rstd, const float *gamma,
                           const float *beta, int rows, int channels, int parts, float *partial, int relu) {
    column_parts<2>(rows, channels, parts, partial, [=](int row, int c, float *sums) {
        long long i = (long long)row * channels + c;
        float v = load(x + i);
        float g = N(passes)(v, mean[c], rstd[c], gamma[c], beta[c], relu) ? load(dy + i) : 0.0f;
        sums[0] += g;
        sums[1] += g * (v - mean[c]) * rstd[c];
    });
}

// The gradient before a ReLU that gave `y`, and its sums.
KERNEL N(relu_backward_sums)(const T *dy, const T *y, T *dx, int rows, int channels, int parts, float *partial) {
    column_parts<1>(rows, channels, parts, partial, [=](int row, int c, float *sums) {
        long long i = (long long)row * channels + c;
        float g = load(y + i) > 0.0f ? load(dy + i) : 0.0f;
        store(dx + i, g);
        sums[0] += g;
    });
}

// As `column_gradients`, mean and deviation being those of the row.
KERNEL N(row_gradients)(const T *dy, const T *x, const float *mean, const float *rstd, int rows, int channels, int parts,
                        float *partial) {
    column_parts<2>(rows, channels, parts, partial, [=](int row, int c, float *sums) {
        long long i = (long long)row * channels + c;
        float g = load(dy + i);
        sums[0] += g;
        sums[1] += g * (load(x + i) - mean[row]) * rstd[row];
    });
}
