"""The lesson's job in Keras on TensorFlow: VGG-16 without its top, a new head, Adam, batch 32.

Weights are random: time and memory do not depend on their values.
"""
import os

import job

a = job.arguments()
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(a.threads)
import keras
from keras import layers

import images


def prepared(part, limit):
    x, y = images.load(a.data, part, limit)
    return (x / 255.0).astype("float32"), keras.utils.to_categorical(y, 10)


def lesson():
    backbone = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    head = keras.Sequential(
        [
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model = keras.Model(backbone.input, head(backbone.output))
    for layer in model.layers[: a.freeze]:
        layer.trainable = False
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


class Clock(keras.callbacks.Callback):
    """Seconds of an epoch, its validation included."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = job.clock()

    def on_epoch_end(self, epoch, logs=None):
        job.say(epoch=epoch + 1, **job.since(self.started))


def train():
    x, y = prepared("train", a.limit)
    lesson().fit(x, y, batch_size=32, epochs=a.epochs, validation_split=0.1, verbose=0, callbacks=[Clock()])


def infer():
    x, y = prepared("test", a.inference)
    model = lesson()
    model.evaluate(x, y, batch_size=256, verbose=0)  # compiles
    started = job.clock()
    model.evaluate(x, y, batch_size=256, verbose=0)
    job.say(inference=a.inference, **job.since(started))


job.say(version=f"Keras {keras.__version__} on TensorFlow {tf.__version__}")
keras.utils.set_random_seed(a.seed)
infer() if a.inference else train()
