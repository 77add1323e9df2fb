// Steps of the optimizers, of many tensors in one launch: a tensor each blockIdx.y. The arithmetic is that of rules/*.rs.

// Addresses of a tensor's weights, its gradient and what is remembered for it.
struct Place {
    float *weights;
    const float *gradients;
    float *slots[2];
    long long count;
};

struct Places {
    Place of[64];
};

template <typename F> __device__ __forceinline__ void each_weight(const Places &places, F f) {
    const Place place = places.of[blockIdx.y];
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < place.count;
         i += (long long)gridDim.x * blockDim.x)
        f(place, i);
}

// The rates of a step, where there are numbers of one.
__device__ __forceinline__ void of_step(const Numbers *numbers, float *rate, float *decay) {
    if (numbers) {
        *rate = numbers->rate;
        *decay = numbers->decay;
    }
}

__device__ __forceinline__ float kept(float w, float decay) { return w - w * decay; }

// numbers: new part of the first moment, of the second, epsilon.
KERNEL adam(Places places, float rate, float decay, float new_1, float new_2, float epsilon,
            const Numbers *numbers) {
    of_step(numbers, &rate, &decay);
    each_weight(places, [=](const Place &p, long long i) {
        float g = p.gradients[i], m = p.slots[0][i], v = p.slots[1][i], w = p.weights[i];
        m += (g - m) * new_1;
        v += (g * g - v) * new_2;
        p.slots[0][i] = m;
        p.slots[1][i] = v;
        p.weights[i] = kept(w, decay) - m * rate / (sqrtf(v) + epsilon);
    });
}

// numbers: momentum, whether there is one, whether it is Nesterov's.
KERNEL sgd(Places places, float rate, float decay, float momentum, float has_momentum, float nesterov,
           const Numbers *numbers) {
    of_step(numbers, &rate, &decay);
    each_weight(places, [=](const Place &p, long long i) {
        float g = p.gradients[i] * rate, w = kept(p.weights[i], decay);
        if (has_momentum == 0.0f) {
            p.weights[i] = w - g;
            return;
        }
        float m = p.slots[0][i] * momentum - g;
        p.slots[0][i] = m;
        p.weights[i] = w + (nesterov != 0.0f ? m * momentum - g : m);
    });
}

// numbers: rho, momentum (0 for none), epsilon.
KERNEL rmsprop(Places places, float rate, float decay, float rho, float momentum, float epsilon,
               const Numbers *numbers) {
    of_step(numbers, &rate, &decay);
    each_weight(places, [=](const Place &p, long long i) {
        float g = p.gradients[i], v = rho * p.slots[0][i] + (1.0f - rho) * (g * g);
        p.slots[0][i] = v;
        float change = rate * g / sqrtf(v + epsilon);
        if (momentum != 0.0f) {
            change = momentum * p.slots[1][i] + change;
            p.slots[1][i] = change;
        }
        p.weights[i] = kept(p.weights[i], decay) - change;
    });
}
