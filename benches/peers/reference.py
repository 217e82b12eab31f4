"""What every peer should compute, in f64 and as the equations stand: forward for all cells, back for the LSTM."""

import numpy as np

from cases import Case

Arrays = dict[str, np.ndarray]


def compute(case: Case, values: Arrays) -> Arrays:
    """`y` [T, B, D·H]; of a case that learns also the gradients of the sum of all y, `d_NAME` for x and weights."""
    doubles = {name: array.astype(np.float64) for name, array in values.items()}
    if case.feeding == "train":
        return learn(case, doubles)
    y = doubles["x"]
    for layer in range(case.layers):
        forwards = [direction(case, doubles, suffix, y) for suffix in case.suffixes(layer)]
        y = np.concatenate(forwards, axis=2)
    return {"y": y}


def direction(case: Case, values: Arrays, suffix: str, x: np.ndarray) -> np.ndarray:
    """One layer in one direction: [T, B, I] to [T, B, H]."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    w_ih, w_hh, b_ih, b_hh = (values[f"{name}_{suffix}"] for name in names)
    steps, batch, _ = x.shape
    h, c = np.zeros((batch, case.hidden)), np.zeros((batch, case.hidden))
    y = np.empty((steps, batch, case.hidden))
    for step in reversed(range(steps)) if suffix.endswith("reverse") else range(steps):
        from_x, from_h = x[step] @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        if case.cell == "lstm":
            i, f, g, o = lstm_gates(from_x + from_h)
            c = f * c + i * g
            h = o * np.tanh(c)
        elif case.cell == "gru":
            (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(from_x, 3, axis=1), np.split(from_h, 3, axis=1)
            r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
            h = (1 - z) * np.tanh(x_n + r * h_n) + z * h
        else:
            h = np.tanh(from_x + from_h)
        y[step] = h
    return y


def learn(case: Case, values: Arrays) -> Arrays:
    """Back-propagation through time of one LSTM layer; dL/dy = 1 everywhere."""
    x, w_ih, w_hh = values["x"], values["weight_ih_l0"], values["weight_hh_l0"]
    bias = values["bias_ih_l0"] + values["bias_hh_l0"]
    hs, cs, gates = [np.zeros((case.batch, case.hidden))], [np.zeros((case.batch, case.hidden))], []
    for row in x:
        i, f, g, o = lstm_gates(row @ w_ih.T + hs[-1] @ w_hh.T + bias)
        gates.append((i, f, g, o))
        cs.append(f * cs[-1] + i * g)
        hs.append(o * np.tanh(cs[-1]))

    d_ih, d_hh, d_bias, d_x = np.zeros_like(w_ih), np.zeros_like(w_hh), np.zeros_like(bias), np.empty_like(x)
    d_h, d_c = np.zeros_like(hs[0]), np.zeros_like(hs[0])
    for step in reversed(range(case.steps)):
        (i, f, g, o), tanh_c = gates[step], np.tanh(cs[step + 1])
        d_h = d_h + 1.0
        d_c = d_c + d_h * o * (1 - tanh_c**2)
        d_i, d_f, d_g = d_c * g * i * (1 - i), d_c * cs[step] * f * (1 - f), d_c * i * (1 - g**2)
        d_z = np.concatenate([d_i, d_f, d_g, d_h * tanh_c * o * (1 - o)], axis=1)
        d_ih += d_z.T @ x[step]
        d_hh += d_z.T @ hs[step]
        d_bias += d_z.sum(axis=0)
        d_x[step], d_h, d_c = d_z @ w_ih, d_z @ w_hh, d_c * f
    return {"y": np.stack(hs[1:]), "d_x": d_x, "d_weight_ih_l0": d_ih, "d_weight_hh_l0": d_hh, "d_bias_l0": d_bias}


def lstm_gates(z: np.ndarray) -> tuple[np.ndarray, ...]:
    """i f g o from the sums."""
    i, f, g, o = np.split(z, 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-z))
