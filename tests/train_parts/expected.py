"""What the tests of train_parts compare with, computed here from the definitions: ChaCha with 8 rounds in whole numbers,
the optimizers as PyTorch's documentation has them, in f64, matrices by numpy's Householder QR. Needs numpy."""

import math

import numpy as np

MASK = 0xFFFFFFFF


def chacha8_block(key, counter):
    """One block of 16 words (D. J. Bernstein, "ChaCha, a variant of Salsa20", 64-bit counter, nonce 0)."""
    words = [(word >> shift) & MASK for word in key for shift in (0, 32)]
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *words, counter & MASK, counter >> 32, 0, 0]
    x = list(start)

    def quarter(a, b, c, d):
        for p, q, r, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & MASK
            x[r] ^= x[p]
            x[r] = ((x[r] << turn) | (x[r] >> (32 - turn))) & MASK

    for _ in range(4):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        quarter(0, 5, 10, 15)
        quarter(1, 6, 11, 12)
        quarter(2, 7, 8, 13)
        quarter(3, 4, 9, 14)
    return [(a + b) & MASK for a, b in zip(x, start)]


class Random:
    def __init__(self, *key):
        self.key, self.place = (list(key) + [0, 0, 0])[:4], 0

    def bits32(self):
        word = chacha8_block(self.key, self.place // 16)[self.place % 16]
        self.place += 1
        return word

    def bits64(self):
        low = self.bits32()
        return low | self.bits32() << 32

    def unit(self):
        return (self.bits64() >> 11) / 2**53

    def uniform(self, low, high):
        return low + (high - low) * self.unit()

    def normal(self):
        radius = math.sqrt(-2 * math.log(1 - self.unit()))
        return radius * math.cos(2 * math.pi * self.unit())

    def below(self, bound):
        while True:
            product = self.bits64() * bound
            if product % 2**64 >= 2**64 % bound:
                return product >> 64

    def shuffle(self, values):
        for last in range(len(values) - 1, 0, -1):
            other = self.below(last + 1)
            values[last], values[other] = values[other], values[last]


def purpose(text):
    return int.from_bytes(text, "little")


def epoch(seed, epoch, size, window, lengths):
    random = Random(seed, purpose(b"batches\0"), epoch)
    order = list(range(len(lengths)))
    random.shuffle(order)
    windows = [order[at : at + size * window] for at in range(0, len(order), size * window)]
    order = [index for window in windows for index in sorted(window, key=lambda index: lengths[index])]
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    random.shuffle(batches)
    return batches


def dropout(seed, step, layer, rate, count):
    random = Random(seed, purpose(b"dropout\0"), step, layer)
    return [0.0 if random.bits32() < int(rate * 2**32) else 1 / (1 - rate) for _ in range(count)]


def orthogonal(rows, columns, seed):
    random = Random(seed)
    normal = np.array([[random.normal() for _ in range(rows)] for _ in range(columns)]).T
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diag(r))


def sgd(p, gradients, rate, momentum, nesterov, decay):
    m = None
    for g in gradients:
        g = g + decay * p
        m = g if m is None else momentum * m + g
        p = p - rate * (g + momentum * m if nesterov else m)
    return p


def adam(p, gradients, rate, betas, epsilon, decay, decoupled):
    m = v = np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        if decoupled:
            p = p - rate * decay * p
        else:
            g = g + decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        p = p - rate * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + epsilon)
    return p


def show(name, values):
    print(f"{name}: {[float(value) for value in np.ravel(values)]}")


random = Random(42)
print("words:", [hex(random.bits32()) for _ in range(4)])
random = Random(1, 2, 3, 0xFEDCBA9876543210)
random.place = 62
print("keyed, from the 62nd:", [hex(random.bits64()) for _ in range(2)])
random = Random(42)
show("units", [random.unit() for _ in range(3)])
random = Random(42)
show("normals", [random.normal() for _ in range(3)])
random, values = Random(42), list(range(10))
random.shuffle(values)
print("shuffled:", values)
random = Random(42)
print("below:", [random.below(3 * 2**62) for _ in range(4)])
lengths = [5, 3, 9, 1, 7, 2, 8, 4, 6, 10, 3]
print("epoch 0:", epoch(7, 0, 2, 2, lengths))
print("epoch 1:", epoch(7, 1, 2, 2, lengths))
show("dropout", dropout(7, 100, 1, 0.5, 12))
random, bound = Random(42), 1 / math.sqrt(2)
show("torch, lstm(1, 2), W", [random.uniform(-bound, bound) for _ in range(8)])
random, bound = Random(42), math.sqrt(6 / (8 + 1))
show("keras, lstm(1, 2), W", [random.uniform(-bound, bound) for _ in range(8)])
show("orthogonal 6 × 3", orthogonal(6, 3, 42))

p = np.array([1.0, -0.5, 0.25])
g = [np.array(g) for g in ([0.5, -1.0, 0.0], [0.25, 2.0, -0.125], [-1.0, 0.5, 1.0], [0.75, 0.0, 0.0625])]
show("sgd", sgd(p, g, 0.1, 0.0, False, 0.0))
show("sgd, decay", sgd(p, g, 0.1, 0.0, False, 0.25))
show("momentum, decay", sgd(p, g, 0.1, 0.9, False, 0.25))
show("nesterov, decay", sgd(p, g, 0.1, 0.9, True, 0.25))
show("adam", adam(p, g, 0.1, (0.9, 0.999), 1e-8, 0.0, False))
show("adam, decay", adam(p, g, 0.1, (0.8, 0.99), 1e-3, 0.25, False))
show("adamw", adam(p, g, 0.1, (0.9, 0.999), 1e-8, 0.25, True))
