// What is around attention's products.

// [n, tokens, parts, heads, size] to [parts, n, heads, tokens, size], or back where `back`.
KERNEL N(heads)(const T *x, T *y, int n, int tokens, int parts, int heads, int size, int back) {
    each(n * tokens * parts * heads * size, [=](int i) {
        int d = i % size, h = i / size % heads, p = i / size / heads % parts;
        int t = i / size / heads / parts % tokens, image = i / size / heads / parts / tokens;
        int other = (((p * n + image) * heads + h) * tokens + t) * size + d;
        if (back) y[i] = x[other];
        else y[other] = x[i];
    });
}

// softmax(scale × x) of each row, in place: a warp a row.
KERNEL N(softmax)(T *x, int rows, int columns, float scale) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    x += (long long)row * columns;
    float largest = -INFINITY;
    for (int c = threadIdx.x; c < columns; c += 32) largest = fmaxf(largest, load(x + c));
    largest = warp_max(largest);
    float sum = 0.0f;
    for (int c = threadIdx.x; c < columns; c += 32) sum += expf((load(x + c) - largest) * scale);
    float inverse = 1.0f / warp_sum(sum);
    for (int c = threadIdx.x; c < columns; c += 32) store(x + c, expf((load(x + c) - largest) * scale) * inverse);
}

// From the gradient of what `softmax` gave to that of what it was given, in place; p is what it gave.
KERNEL N(softmax_backward)(T *dp, const T *p, int rows, int columns, float scale) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    dp += (long long)row * columns;
    p += (long long)row * columns;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < columns; c += 32) sum += load(dp + c) * load(p + c);
    sum = warp_sum(sum);
    for (int c = threadIdx.x; c < columns; c += 32) store(dp + c, scale * load(p + c) * (load(dp + c) - sum));
}
