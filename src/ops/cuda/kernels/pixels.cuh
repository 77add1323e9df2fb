// Images of bytes as the network's input: the value of each byte by the table of its channel.

// y[pixel of the batch, 3]: `rows` are the places of the batch's images among those of `bytes`.
KERNEL look_up(const unsigned char *bytes, const unsigned *rows, const float *tables, float *y, int pixels, int image,
               int channels, int a, int b, int c) {
    each(pixels, [=](int i) {
        const unsigned char *pixel = bytes + ((long long)rows[i / image] * image + i % image) * channels;
        float *out = y + 3ll * i;
        out[0] = tables[pixel[a]];
        out[1] = tables[256 + pixel[b]];
        out[2] = tables[512 + pixel[c]];
    });
}
