//! Differentiable operations candle lacks or has slow or wrong; shapes are `[batch, height, width, channels]`.
