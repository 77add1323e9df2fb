// How tensors lie in memory.

// The kernel [places, cin, cout] of a convolution as cuDNN wants it, [cout, places, cin]: squares of 32 × 32 through
// shared memory, gridDim.z places.
KERNEL N(kernel_to_cudnn)(const float *kernel, T *out, int places, int cin, int cout) {
    __shared__ float square[32][33];
    int place = blockIdx.z, i0 = blockIdx.x * 32, o0 = blockIdx.y * 32;
    for (int y = threadIdx.y; y < 32; y += 8) {
        int i = i0 + y, o = o0 + threadIdx.x;
        if (i < cin && o < cout) square[y][threadIdx.x] = kernel[((long long)place * cin + i) * cout + o];
    }
    __syncthreads();
    for (int y = threadIdx.y; y < 32; y += 8) {
        int i = i0 + threadIdx.x, o = o0 + y;
        if (i < cin && o < cout) store(out + ((long long)o * places + place) * cin + i, square[threadIdx.x][y]);
    }
}

// The way back, of a kernel's gradient.
KERNEL N(kernel_from_cudnn)(const T *kernel, float *out, int places, int cin, int cout) {
    __shared__ float square[32][33];
    int place = blockIdx.z, i0 = blockIdx.x * 32, o0 = blockIdx.y * 32;
    for (int y = threadIdx.y; y < 32; y += 8) {
        int i = i0 + threadIdx.x, o = o0 + y;
        if (i < cin && o < cout) square[y][threadIdx.x] = load(kernel + ((long long)o * places + place) * cin + i);
    }
    __syncthreads();
    for (int y = threadIdx.y; y < 32; y += 8) {
        int i = i0 + y, o = o0 + threadIdx.x;
        if (i < cin && o < cout) out[((long long)place * cin + i) * cout + o] = square[threadIdx.x][y];
    }
}

// An image [h, w, c] inside a larger one of zeros, from (top, left) on; or, where `back`, taken out of it.
KERNEL N(pad)(const T *x, T *y, int n, int h, int w, int c, int top, int left, int height, int width, int back) {
    int from = back ? n * h * w * c : n * height * width * c;
    each(from, [=](int i) {
        if (back) {
            int ch = i % c, px = i / c % w, py = i / c / w % h, image = i / c / w / h;
            y[i] = x[((image * height + py + top) * width + px + left) * c + ch];
        } else {
            int ch = i % c, px = i / c % width - left, py = i / c / width % height - top, image = i / c / width / height;
            bool in = px >= 0 && px < w && py >= 0 && py < h;
            store(y + i, in ? load(x + ((image * h + py) * w + px) * c + ch) : 0.0f);
        }
    });
}
