// Pooling of [n, h, w, c] to [n, ho, wo, c].

#ifndef POOL
#define POOL
struct Windows {
    int n, h, w, c, ho, wo, kernel, stride, padding;
};

// Which windows of an axis see place `at`: the first, and one past the last.
__device__ __forceinline__ void seen_by(int at, int kernel, int stride, int padding, int windows, int *first, int *end) {
    int from = at + padding - kernel + 1;
    *first = from > 0 ? (from + stride - 1) / stride : 0;
    int last = (at + padding) / stride + 1;
    *end = last < windows ? last : windows;
}
#endif

// The place of the largest value of a window: of equals the first by rows, and NaN wins.
__device__ __forceinline__ int N(largest)(const T *x, const Windows &s, int image, int oy, int ox, int c, float *value) {
    float best = -INFINITY;
    int place = -1;
    int y0 = oy * s.stride - s.padding, x0 = ox * s.stride - s.padding;
    for (int y = max(y0, 0); y < min(y0 + s.kernel, s.h); y++)
        for (int px = max(x0, 0); px < min(x0 + s.kernel, s.w); px++) {
            int i = ((image * s.h + y) * s.w + px) * s.c + c;
            float v = load(x + i);
            if (v > best || isnan(v) || place < 0) {
                best = v;
                place = i;
            }
        }
    *value = best;
    return place;
}

KERNEL N(max_pool)(const T *x, T *y, Windows s) {
    each(s.n * s.ho * s.wo * s.c, [=](int i) {
        int c = i % s.c, ox = i / s.c % s.wo, oy = i / s.c / s.wo % s.ho, image = i / s.c / s.wo / s.ho;
        float value;
        N(largest)(x, s, image, oy, ox, c, &value);
        store(y + i, value);
    });
}

// Each place collects the gradients of the windows whose largest value it has.
KERNEL N(max_pool_backward)(const T *dy, const T *x, T *dx, Windows s) {
    each(s.n * s.h * s.w * s.c, [=](int i) {
        int c = i % s.c, px = i / s.c % s.w, py = i / s.c / s.w % s.h, image = i / s.c / s.w / s.h;
        int y0, y1, x0, x1;
        seen_by(py, s.kernel, s.stride, s.padding, s.ho, &y0, &y1);
        seen_by(px, s.kernel, s.stride, s.padding, s.wo, &x0, &x1);
        float sum = 0.0f, value;
        for (int oy = y0; oy < y1; oy++)
            for (int ox = x0; ox < x1; ox++)
                if (N(largest)(x, s, image, oy, ox, c, &value) == i)
                    sum += load(dy + ((image * s.ho + oy) * s.wo + ox) * s.c + c);
        store(dx + i, sum);
    });
}

// As `max_pool_backward` where the windows lie side by side: a thread a window, which writes all its places.
KERNEL N(max_pool_backward_apart)(const T *dy, const T *x, T *dx, Windows s) {
    each(s.n * s.ho * s.wo * s.c, [=](int i) {
        int c = i % s.c, ox = i / s.c % s.wo, oy = i / s.c / s.wo % s.ho, image = i / s.c / s.wo / s.ho;
        float value;
        int place = N(largest)(x, s, image, oy, ox, c, &value);
        T gradient = dy[i], zero;
        store(&zero, 0.0f);
        for (int py = oy * s.stride; py < oy * s.stride + s.kernel; py++)
            for (int px = ox * s.stride; px < ox * s.stride + s.kernel; px++) {
                int at = ((image * s.h + py) * s.w + px) * s.c + c;
                dx[at] = at == place ? gradient : zero;
            }
    });
}

// The pixels of a window that lie inside the image.
#ifndef POOL_INSIDE
#define POOL_INSIDE
__device__ __forceinline__ int inside(const Windows &s, int oy, int ox) {
    int y0 = oy * s.stride - s.padding, x0 = ox * s.stride - s.padding;
    return (min(y0 + s.kernel, s.h) - max(y0, 0)) * (min(x0 + s.kernel, s.w) - max(x0, 0));
}
#endif

KERNEL N(average_pool)(const T *x, T *y, Windows s) {
    each(s.n * s.ho * s.wo * s.c, [=](int i) {
        int c = i % s.c, ox = i / s.c % s.wo, oy = i / s.c / s.wo % s.ho, image = i / s.c / s.wo / s.ho;
        int y0 = oy * s.stride - s.padding, x0 = ox * s.stride - s.padding;
        float sum = 0.0f;
        for (int py = max(y0, 0); py < min(y0 + s.kernel, s.h); py++)
            for (int px = max(x0, 0); px < min(x0 + s.kernel, s.w); px++)
                sum += load(x + ((image * s.h + py) * s.w + px) * s.c + c);
        store(y + i, sum / inside(s, oy, ox));
    });
}

KERNEL N(average_pool_backward)(const T *dy, T *dx, Windows s) {
    each(s.n * s.h * s.w * s.c, [=](int i) {
        int c = i % s.c, px = i / s.c % s.w, py = i / s.c / s.w % s.h, image = i / s.c / s.w / s.h;
        int y0, y1, x0, x1;
        seen_by(py, s.kernel, s.stride, s.padding, s.ho, &y0, &y1);
        seen_by(px, s.kernel, s.stride, s.padding, s.wo, &x0, &x1);
        float sum = 0.0f;
        for (int oy = y0; oy < y1; oy++)
            for (int ox = x0; ox < x1; ox++)
                sum += load(dy + ((image * s.ho + oy) * s.wo + ox) * s.c + c) / inside(s, oy, ox);
        store(dx + i, sum);
    });
}

// The mean over the places of each image: blocks of 32 channels × 8 threads, an image each.
KERNEL N(global_pool)(const T *x, T *y, int places, int channels) {
    __shared__ float shared[8][33];
    int c = blockIdx.x * 32 + threadIdx.x;
    long long image = blockIdx.y;
    float sum = 0.0f;
    if (c < channels)
        for (int p = threadIdx.y; p < places; p += 8) sum += load(x + (image * places + p) * channels + c);
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < channels) {
        for (int i = 1; i < 8; i++) sum += shared[i][threadIdx.x];
        store(y + image * channels + c, sum / places);
    }
}

KERNEL N(global_pool_backward)(const T *dy, T *dx, int n, int places, int channels) {
    each(n * places * channels, [=](int i) {
        int c = i % channels, image = i / channels / places;
        store(dx + i, load(dy + image * channels + c) / places);
    });
}
