// The kernels, once for each type of value: `NAME_f32` and `NAME_bf16`. Sums are float32 or wider in both.

#include "common.cuh"

#define T float
#define N(name) name##_f32
#include "elementwise.cuh"
#include "columns.cuh"
#include "layer_norm.cuh"
#include "pool.cuh"
#include "attention.cuh"
#include "layout.cuh"
#include "loss.cuh"
#undef T
#undef N

#define T __nv_bfloat16
#define N(name) name##_bf16
#include "elementwise.cuh"
#include "columns.cuh"
#include "layer_norm.cuh"
#include "pool.cuh"
#include "attention.cuh"
#include "layout.cuh"
#include "loss.cuh"
#undef T
#undef N

#include "optimizer.cuh"
#include "pixels.cuh"
