// Losses of [n, classes] logits against targets, a warp a sample; `loss` 0 is softmax, 1 sigmoid.

KERNEL N(cross_entropy)(const T *logits, const float *targets, float *out, int n, int classes, int loss) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= n) return;
    logits += (long long)row * classes;
    targets += (long long)row * classes;
    float value = 0.0f;
    if (loss == 0) {
        float largest = -INFINITY, sum = 0.0f;
        for (int c = threadIdx.x; c < classes; c += 32) largest = fmaxf(largest, load(logits + c));
        largest = warp_max(largest);
        for (int c = threadIdx.x; c < classes; c += 32) sum += expf(load(logits + c) - largest);
        float total = logf(warp_sum(sum));
        for (int c = threadIdx.x; c < classes; c += 32)
            if (targets[c] != 0.0f) value += targets[c] * (largest - load(logits + c) + total);
    } else {
        for (int c = threadIdx.x; c < classes; c += 32) {
            float z = load(logits + c);
            value += (fmaxf(z, 0.0f) - z * targets[c] + log1pf(expf(-fabsf(z)))) / classes;
        }
    }
    // A NaN must not get lost in a maximum.
    for (int c = threadIdx.x; c < classes; c += 32)
        if (isnan(load(logits + c))) value = NAN;
    value = warp_sum(value);
    if (threadIdx.x == 0) out[row] = value;
}

// The gradient of the logits; `dy` is that of each sample's loss.
KERNEL N(cross_entropy_backward)(const float *dy, const T *logits, const float *targets, T *out, int n, int classes,
                                 int loss) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= n) return;
    logits += (long long)row * classes;
    targets += (long long)row * classes;
    out += (long long)row * classes;
    float d = dy[row];
    if (loss == 0) {
        float largest = -INFINITY, sum = 0.0f, all = 0.0f;
        for (int c = threadIdx.x; c < classes; c += 32) {
            largest = fmaxf(largest, load(logits + c));
            all += targets[c];
        }
        largest = warp_max(largest);
        all = warp_sum(all);
        for (int c = threadIdx.x; c < classes; c += 32) sum += expf(load(logits + c) - largest);
        float share = all / warp_sum(sum);
        for (int c = threadIdx.x; c < classes; c += 32)
            store(out + c, d * (expf(load(logits + c) - largest) * share - targets[c]));
    } else {
        for (int c = threadIdx.x; c < classes; c += 32)
            store(out + c, d / classes * (1.0f / (1.0f + expf(-load(logits + c))) - targets[c]));
    }
}
