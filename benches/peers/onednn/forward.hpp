// Inference: one layer of a case. Layers together in one primitive were slower: at B=1 1.8 times, at B=16 as fast.
#pragma once

#include "rnn.hpp"

class Forward {
public:
    memory x, h, c, y, next_h, next_c;

    // Without a memory for x it makes one of its own.
    Forward(const Case &k, long layer, long steps, dnnl::stream &stream, const memory *input = nullptr)
        : stream_(stream) {
        auto engine = stream.get_engine();
        long width = layer == 0 ? k.input : k.directions * k.hidden;
        Shapes s(k, steps, width);
        auto way = k.directions == 2 ? dnnl::rnn_direction::bidirectional_concat
                                     : dnnl::rnn_direction::unidirectional_left2right;
        auto kind = dnnl::prop_kind::forward_inference;
        if (k.cell == "lstm")
            take(made<dnnl::lstm_forward>(engine, kind, way, s.x, s.h, s.c, s.weights_layer, s.weights_iter, s.bias,
                                          s.y, s.h, s.c));
        else if (k.cell == "gru")
            take(made<dnnl::lbr_gru_forward>(engine, kind, way, s.x, s.h, s.weights_layer, s.weights_iter, s.bias, s.y,
                                             s.h));
        else
            take(made<dnnl::vanilla_rnn_forward>(engine, kind, dnnl::algorithm::eltwise_tanh, way, s.x, s.h,
                                                 s.weights_layer, s.weights_iter, s.bias, s.y, s.h));
        x = input ? *input : memory(s.x, engine);
        h = zeros(s.h, engine), c = zeros(s.c, engine), next_h = zeros(s.h, engine), next_c = zeros(s.c, engine);
        y = memory(s.y, engine);
        Shapes plain(k, steps, width, Tag::ldgoi);
        auto weights = [&](const char *name, const memory::desc &from, const memory::desc &to, long columns) {
            memory given(from, engine);
            put(given, blocks(k, k.tensors(name, layer), columns).data());
            return reordered(given, to, stream);
        };
        memory bias(s.bias, engine);
        put(bias, joined_bias(k, layer).data());
        arguments_ = {{DNNL_ARG_SRC_LAYER, x},
                      {DNNL_ARG_DST_LAYER, y},
                      {DNNL_ARG_BIAS, bias},
                      {DNNL_ARG_WEIGHTS_LAYER, weights("weight_ih", plain.weights_layer, layer_, width)},
                      {DNNL_ARG_WEIGHTS_ITER, weights("weight_hh", plain.weights_iter, iter_, k.hidden)}};
        carry(h, c, next_h, next_c, k.cell == "lstm");
    }

    void execute() { primitive_.execute(stream_, arguments_); }

    // Executes from the states that the last call left, and leaves its own where those of the call before were.
    void step() {
        primitive_.execute(stream_, odd_ ? back_ : arguments_);
        odd_ = !odd_;
    }

private:
    template <typename Description>
    void take(std::pair<Description, dnnl::primitive> both) {
        layer_ = both.first.weights_layer_desc(), iter_ = both.first.weights_iter_desc();
        primitive_ = both.second;
    }

    void carry(memory h0, memory c0, memory h1, memory c1, bool cell) {
        back_ = arguments_;
        arguments_.insert({{DNNL_ARG_SRC_ITER, h0}, {DNNL_ARG_DST_ITER, h1}});
        back_.insert({{DNNL_ARG_SRC_ITER, h1}, {DNNL_ARG_DST_ITER, h0}});
        if (!cell) return;
        arguments_.insert({{DNNL_ARG_SRC_ITER_C, c0}, {DNNL_ARG_DST_ITER_C, c1}});
        back_.insert({{DNNL_ARG_SRC_ITER_C, c1}, {DNNL_ARG_DST_ITER_C, c0}});
    }

    dnnl::stream &stream_;
    dnnl::primitive primitive_;
    memory::desc layer_, iter_;
    Arguments arguments_, back_;
    bool odd_ = false;
};
