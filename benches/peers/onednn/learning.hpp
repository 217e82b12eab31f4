// Learning: one LSTM layer there and back, and the gradients of the sum of all y.
#pragma once

#include "rnn.hpp"

class Learning {
public:
    Learning(const Case &k, dnnl::stream &stream) : stream_(stream) {
        auto engine = stream.get_engine();
        Shapes any(k, k.steps, k.input), plain(k, k.steps, k.input, Tag::ldgoi);
        // Gradients are taken where oneDNN puts them, and brought into PyTorch's layout for the comparison alone.
        Shapes d = any;
        auto way = dnnl::rnn_direction::unidirectional_left2right;
        dnnl::lstm_forward::primitive_desc there(engine, dnnl::prop_kind::forward_training, way, any.x, any.h, any.c,
                                                 any.weights_layer, any.weights_iter, any.bias, any.y, any.h, any.c);
        dnnl::lstm_backward::primitive_desc back(
            engine, dnnl::prop_kind::backward, way, any.x, any.h, any.c, any.weights_layer, any.weights_iter, any.bias,
            any.y, any.h, any.c, d.x, d.h, d.c, d.weights_layer, d.weights_iter, d.bias, d.y, d.h, d.c, there);
        there_ = dnnl::lstm_forward(there), back_ = dnnl::lstm_backward(back);

        memory x(any.x, engine), y(any.y, engine), bias(any.bias, engine), workspace(there.workspace_desc(), engine);
        put(x, k.tensor("x").data());
        put(bias, joined_bias(k, 0).data());
        memory h = zeros(any.h, engine), c = zeros(any.c, engine), last_h = zeros(any.h, engine),
               last_c = zeros(any.c, engine);
        memory w_ih(plain.weights_layer, engine), w_hh(plain.weights_iter, engine);
        put(w_ih, k.tensors("weight_ih", 0).data());
        put(w_hh, k.tensors("weight_hh", 0).data());
        arguments_ = {{DNNL_ARG_SRC_LAYER, x},       {DNNL_ARG_SRC_ITER, h},         {DNNL_ARG_SRC_ITER_C, c},
                      {DNNL_ARG_BIAS, bias},         {DNNL_ARG_DST_LAYER, y},        {DNNL_ARG_DST_ITER, last_h},
                      {DNNL_ARG_DST_ITER_C, last_c}, {DNNL_ARG_WORKSPACE, workspace}};
        both_ = arguments_;
        arguments_.insert({{DNNL_ARG_WEIGHTS_LAYER, reordered(w_ih, there.weights_layer_desc(), stream)},
                           {DNNL_ARG_WEIGHTS_ITER, reordered(w_hh, there.weights_iter_desc(), stream)}});

        memory d_y(any.y, engine);
        put(d_y, Floats(any.y.get_size() / sizeof(float), 1.0f).data());
        d_x_ = zeros(any.x, engine), d_bias_ = zeros(any.bias, engine);
        d_ih_ = zeros(back.diff_weights_layer_desc(), engine), d_hh_ = zeros(back.diff_weights_iter_desc(), engine);
        both_.insert({{DNNL_ARG_WEIGHTS_LAYER, reordered(w_ih, back.weights_layer_desc(), stream)},
                      {DNNL_ARG_WEIGHTS_ITER, reordered(w_hh, back.weights_iter_desc(), stream)},
                      {DNNL_ARG_DIFF_DST_LAYER, d_y},
                      {DNNL_ARG_DIFF_DST_ITER, zeros(any.h, engine)},
                      {DNNL_ARG_DIFF_DST_ITER_C, zeros(any.c, engine)},
                      {DNNL_ARG_DIFF_SRC_LAYER, d_x_},
                      {DNNL_ARG_DIFF_SRC_ITER, zeros(any.h, engine)},
                      {DNNL_ARG_DIFF_SRC_ITER_C, zeros(any.c, engine)},
                      {DNNL_ARG_DIFF_WEIGHTS_LAYER, d_ih_},
                      {DNNL_ARG_DIFF_WEIGHTS_ITER, d_hh_},
                      {DNNL_ARG_DIFF_BIAS, d_bias_}});
        y_ = y, plain_ = {plain.weights_layer, plain.weights_iter};
    }

    // The weights' gradients are added to what is there: they begin at zero.
    void call() {
        for (const memory &gradient : {d_ih_, d_hh_, d_bias_}) {
            void *mapped = gradient.map_data();
            std::memset(mapped, 0, gradient.get_desc().get_size());
            gradient.unmap_data(mapped);
        }
        there_.execute(stream_, arguments_);
        back_.execute(stream_, both_);
        stream_.wait();
    }

    Floats outputs() {
        call();
        Floats all = get(y_);
        for (const memory &more :
             {d_x_, reordered(d_ih_, plain_[0], stream_), reordered(d_hh_, plain_[1], stream_), d_bias_}) {
            auto values = get(more);
            all.insert(all.end(), values.begin(), values.end());
        }
        return all;
    }

private:
    dnnl::stream &stream_;
    dnnl::primitive there_, back_;
    Arguments arguments_, both_;
    memory y_, d_x_, d_ih_, d_hh_, d_bias_;
    std::vector<memory::desc> plain_;
};
