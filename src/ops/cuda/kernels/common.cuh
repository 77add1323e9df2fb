// What all kernels share.

#pragma once
#include <cuda_bf16.h>

#define KERNEL extern "C" __global__ void

__device__ __forceinline__ float load(const float *p) { return *p; }
__device__ __forceinline__ float load(const __nv_bfloat16 *p) { return __bfloat162float(*p); }
__device__ __forceinline__ void store(float *p, float v) { *p = v; }
__device__ __forceinline__ void store(__nv_bfloat16 *p, float v) { *p = __float2bfloat16_rn(v); }

// A value as a type rounds it.
template <typename V> __device__ __forceinline__ void store_as(float *p, float v) {
    V rounded;
    store(&rounded, v);
    *p = load(&rounded);
}

// What the gradients of a normalized channel follow from.
struct Channel {
    float mean, rstd, gamma, beta, plain, weighted;
};

// Values that are read or written at once, 16 bytes of the narrowest type; their address must be a multiple of their size.
template <typename V, int K> struct alignas(K * sizeof(V) < 16 ? K * sizeof(V) : 16) Pack {
    V v[K];
};

// Calls `f(i)` for each i below n, one after another of a thread a grid apart.
template <typename F> __device__ __forceinline__ void each(int n, F f) {
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x)
        f((int)i);
}

// y[i] = f(i, a[i], b[i]), eight values at a time; `b` may be null, and is then 0. Buffers begin at multiples of 256 bytes.
template <typename A, typename B, typename Y, typename F>
__device__ __forceinline__ void map(int n, const A *a, const B *b, Y *y, F f) {
    int packs = n / 8;
    each(packs, [&](int i) {
        Pack<A, 8> av = ((const Pack<A, 8> *)a)[i];
        Pack<B, 8> bv = {};
        if (b) bv = ((const Pack<B, 8> *)b)[i];
        Pack<Y, 8> yv;
#pragma unroll
        for (int j = 0; j < 8; j++) store(&yv.v[j], f(8 * i + j, load(&av.v[j]), load(&bv.v[j])));
        ((Pack<Y, 8> *)y)[i] = yv;
    });
    int rest = 8 * packs + blockIdx.x * blockDim.x + threadIdx.x;
    if (rest < n) store(y + rest, f(rest, load(a + rest), b ? load(b + rest) : 0.0f));
}

// As `map`, y[i] = f(a[i], b[i], p), p being `of(channel)`: what holds for the channel of the value.
template <typename A, typename B, typename Y, typename P, typename F>
__device__ __forceinline__ void map_channels(int n, int channels, const A *a, const B *b, Y *y, P of, F f) {
    if (channels % 8) {
        map(n, a, b, y, [=](int i, float a, float b) { return f(a, b, of(i % channels)); });
        return;
    }
    each(n / 8, [&](int i) {
        Pack<A, 8> av = ((const Pack<A, 8> *)a)[i];
        Pack<B, 8> bv = {};
        if (b) bv = ((const Pack<B, 8> *)b)[i];
        Pack<Y, 8> yv;
        int channel = (int)(8ll * i % channels);
#pragma unroll
        for (int j = 0; j < 8; j++) store(&yv.v[j], f(load(&av.v[j]), load(&bv.v[j]), of(channel + j)));
        ((Pack<Y, 8> *)y)[i] = yv;
    });
}

// The sum of a value over the 32 threads of a warp, in each of them.
__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        v += __shfl_xor_sync(0xffffffffu, v, step);
    return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, step));
    return v;
}

// A function of a value and its slope; the numbers are those of `Function` in activation.rs, and 0 is ReLU.
__device__ __forceinline__ float relu6(float x) { return x < 0.0f ? 0.0f : (x > 6.0f ? 6.0f : x); }
__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ __forceinline__ float function_of(int function, float x) {
    switch (function) {
    case 0: return x < 0.0f ? 0.0f : x;
    case 1: return relu6(x);
    case 2: return sigmoid(x);
    case 3: return x * sigmoid(x);
    case 4: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case 5: return x * relu6(x + 3.0f) / 6.0f;
    default: return relu6(x + 3.0f) / 6.0f;
    }
}

__device__ __forceinline__ float slope_of(int function, float x) {
    switch (function) {
    case 0: return x > 0.0f ? 1.0f : 0.0f;
    case 1: return x > 0.0f && x < 6.0f ? 1.0f : 0.0f;
    case 2: {
        float y = sigmoid(x);
        return y * (1.0f - y);
    }
    case 3: {
        float y = sigmoid(x);
        return y * (1.0f + x * (1.0f - y));
    }
    case 4: return 0.5f * (1.0f + erff(x * 0.70710678118654752f)) + x * 0.39894228f * expf(-0.5f * x * x);
    case 5: return x <= -3.0f ? 0.0f : (x < 3.0f ? x / 3.0f + 0.5f : 1.0f);
    default: return x > -3.0f && x < 3.0f ? 1.0f / 6.0f : 0.0f;
    }
}

// What changes from step to step: `Numbers` in capture.rs.
struct Numbers {
    unsigned step[2];
    float rate, decay;
};

// ChaCha with 8 rounds, as `rng::Stream` draws it: word number `at % 16` of block number `at / 16`.
struct Stream {
    unsigned key[8];
    unsigned index[2];
};

// The stream of another step, where there are numbers of one: the step is the third part of the key.
__device__ __forceinline__ Stream at_step(Stream stream, const Numbers *numbers) {
    if (numbers) {
        stream.key[4] = numbers->step[0];
        stream.key[5] = numbers->step[1];
    }
    return stream;
}

__device__ __forceinline__ void quarter(unsigned &a, unsigned &b, unsigned &c, unsigned &d) {
    a += b; d ^= a; d = __funnelshift_l(d, d, 16);
    c += d; b ^= c; b = __funnelshift_l(b, b, 12);
    a += b; d ^= a; d = __funnelshift_l(d, d, 8);
    c += d; b ^= c; b = __funnelshift_l(b, b, 7);
}

__device__ __forceinline__ void chacha8(const Stream &stream, unsigned long long block, unsigned out[16]) {
    unsigned s[16] = {0x61707865u, 0x3320646eu, 0x79622d32u, 0x6b206574u};
#pragma unroll
    for (int i = 0; i < 8; i++) s[4 + i] = stream.key[i];
    s[12] = (unsigned)block;
    s[13] = (unsigned)(block >> 32);
    s[14] = stream.index[0];
    s[15] = stream.index[1];
#pragma unroll
    for (int i = 0; i < 16; i++) out[i] = s[i];
#pragma unroll
    for (int round = 0; round < 4; round++) {
        quarter(out[0], out[4], out[8], out[12]);
        quarter(out[1], out[5], out[9], out[13]);
        quarter(out[2], out[6], out[10], out[14]);
        quarter(out[3], out[7], out[11], out[15]);
        quarter(out[0], out[5], out[10], out[15]);
        quarter(out[1], out[6], out[11], out[12]);
        quarter(out[2], out[7], out[8], out[13]);
        quarter(out[3], out[4], out[9], out[14]);
    }
#pragma unroll
    for (int i = 0; i < 16; i++) out[i] += s[i];
}

// In [0, 1), from the upper 24 bits.
__device__ __forceinline__ float unit(unsigned bits) { return (bits >> 8) * (1.0f / 16777216.0f); }
