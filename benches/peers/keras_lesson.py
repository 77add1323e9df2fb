"""The lesson's job in Keras: VGG-16 without its top, a new head, Adam, batch 32; weights random, for speed only."""
import os
import time

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


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.time()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.time() - self.started
        job.say(epoch=epoch + 1, images_per_second=0.9 * a.limit / seconds)


x, y = prepared("train", a.limit)
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
model.fit(x, y, batch_size=32, epochs=a.epochs, validation_split=0.1, verbose=0, callbacks=[Clock()])
if a.evaluate:
    x, y = prepared("test", a.evaluate)
    model.evaluate(x[:256], y[:256], batch_size=256, verbose=0)
    started = time.time()
    model.evaluate(x, y, batch_size=256, verbose=0)
    job.say(evaluated_per_second=a.evaluate / (time.time() - started))
job.say_end()
