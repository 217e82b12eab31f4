// What oneDNN's recurrent primitives are made from: memory, and a layer's tensors in the order that they want.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstring>
#include <unordered_map>

#include "case.hpp"

using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;
using Tag = memory::format_tag;

inline memory::desc f32(const memory::dims &dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

// The memory's values, through a mapping: an engine may keep them elsewhere.
inline void put(const memory &to, const float *from) {
    void *mapped = to.map_data();
    std::memcpy(mapped, from, to.get_desc().get_size());
    to.unmap_data(mapped);
}

inline Floats get(const memory &from) {
    Floats values(from.get_desc().get_size() / sizeof(float));
    void *mapped = from.map_data();
    std::memcpy(values.data(), mapped, from.get_desc().get_size());
    from.unmap_data(mapped);
    return values;
}

inline memory zeros(const memory::desc &desc, const dnnl::engine &engine) {
    memory made(desc, engine);
    put(made, Floats(desc.get_size() / sizeof(float), 0.0f).data());
    return made;
}

// Gates of the case's cell; oneDNN's GRU with the reset after has update before reset, and a fourth bias.
struct Cell {
    long gates, biases;

    explicit Cell(const std::string &name)
        : gates(name == "lstm"  ? 4
                : name == "gru" ? 3
                                : 1),
          biases(name == "rnn" ? 1 : 4) {}
};

// From PyTorch's blocks of H rows to oneDNN's, pass after pass.
inline Floats blocks(const Case &c, const Floats &values, long width) {
    if (c.cell != "gru") return values;
    Floats moved;
    long block = c.hidden * width;
    for (size_t pass = 0; pass < values.size(); pass += 3 * block)
        for (long gate : {1, 0, 2})
            moved.insert(moved.end(), &values[pass + gate * block], &values[pass + gate * block] + block);
    return moved;
}

// Both of PyTorch's biases as oneDNN's one; a GRU's candidate keeps its two apart.
inline Floats joined_bias(const Case &c, long layer) {
    auto from_x = blocks(c, c.tensors("bias_ih", layer), 1), from_h = blocks(c, c.tensors("bias_hh", layer), 1);
    Floats joined;
    long gates = Cell(c.cell).gates, rows = gates * c.hidden;
    for (size_t at = 0; at < from_x.size(); at++) {
        bool candidate = c.cell == "gru" && long(at) % rows >= 2 * c.hidden;
        joined.push_back(candidate ? from_x[at] : from_x[at] + from_h[at]);
        if (c.cell == "gru" && long(at) % rows == rows - 1)
            joined.insert(joined.end(), &from_h[at + 1 - c.hidden], &from_h[at] + 1);
    }
    return joined;
}

// The descriptions that any of the three primitives is made from; `any` leaves the weights' layout open.
struct Shapes {
    memory::desc x, h, c, weights_layer, weights_iter, bias, y;

    Shapes(const Case &k, long steps, long width, Tag weights = Tag::any) {
        Cell cell(k.cell);
        auto d = k.directions;
        x = f32({steps, k.batch, width}, Tag::tnc);
        h = f32({1, d, k.batch, k.hidden}, Tag::ldnc);
        c = h;
        weights_layer = f32({1, d, width, cell.gates, k.hidden}, weights);
        weights_iter = f32({1, d, k.hidden, cell.gates, k.hidden}, weights);
        bias = f32({1, d, cell.biases, k.hidden}, Tag::ldgo);
        y = f32({steps, k.batch, d * k.hidden}, Tag::tnc);
    }
};

inline memory reordered(memory from, const memory::desc &to, dnnl::stream &stream) {
    memory made(to, stream.get_engine());
    dnnl::reorder(from, made).execute(stream, from, made);
    stream.wait();
    return made;
}

// A description and the primitive that it makes, whichever the cell.
template <typename Forward, typename... Rest>
inline std::pair<typename Forward::primitive_desc, dnnl::primitive> made(const dnnl::engine &engine,
                                                                         const Rest &...rest) {
    typename Forward::primitive_desc description(engine, rest...);
    return {description, Forward(description)};
}
