// Layer normalization over the last axis: a warp a row.

KERNEL N(layer_norm)(const T *x, const float *gamma, const float *beta, T *y, float *mean, float *rstd, int rows,
                     int channels, float epsilon) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += (long long)row * channels;
    y += (long long)row * channels;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < channels; c += 32) sum += load(x + c);
    float m = warp_sum(sum) / channels;
    float squares = 0.0f;
    for (int c = threadIdx.x; c < channels; c += 32) {
        float v = load(x + c) - m;
        squares += v * v;
    }
    float r = 1.0f / sqrtf(warp_sum(squares) / channels + epsilon);
    for (int c = threadIdx.x; c < channels; c += 32) store(y + c, (load(x + c) - m) * r * gamma[c] + beta[c]);
    if (threadIdx.x == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

KERNEL N(layer_norm_backward)(const T *dy, const T *x, const float *gamma, const float *mean, const float *rstd, T *dx,
                              int rows, int channels) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += (long long)row * channels;
    dy += (long long)row * channels;
    dx += (long long)row * channels;
    float m = mean[row], r = rstd[row];
    float plain = 0.0f, weighted = 0.0f;
    for (int c = threadIdx.x; c < channels; c += 32) {
        float g = load(dy + c) * gamma[c];
        plain += g;
        weighted += g * (load(x + c) - m) * r;
    }
    plain = warp_sum(plain) / channels;
    weighted = warp_sum(weighted) / channels;
    for (int c = threadIdx.x; c < channels; c += 32) {
        float g = load(dy + c) * gamma[c];
        store(dx + c, r * (g - plain - (load(x + c) - m) * r * weighted));
    }
}
