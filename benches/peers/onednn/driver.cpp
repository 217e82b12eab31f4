// oneDNN, measured as gatewise is: answers `load FOLDER Y_FILE`, `time SECONDS`, `quit` on standard input.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>

#include "forward.hpp"
#include "learning.hpp"

// A case, ready to run: a primitive a layer.
class Runner {
public:
    Runner(const Case &c, dnnl::stream &stream) : case_(c), stream_(stream) {
        if (c.feeding == "train") {
            learning_ = std::make_unique<Learning>(c, stream);
            return;
        }
        long steps = c.feeding == "stream" ? 1 : c.steps;
        for (long layer = 0; layer < c.layers; layer++) {
            const memory *below = layers_.empty() ? nullptr : &layers_.back()->y;
            layers_.push_back(std::make_unique<Forward>(c, layer, steps, stream, below));
        }
        x_ = c.tensor("x");
        put(layers_[0]->x, x_.data());
    }

    void call() {
        if (learning_) return learning_->call();
        if (case_.feeding == "stream") return stream_steps(nullptr);
        for (auto &layer : layers_) layer->execute();
        stream_.wait();
    }

    Floats outputs() {
        if (learning_) return learning_->outputs();
        Floats all;
        if (case_.feeding == "stream") {
            stream_steps(&all);
            return all;
        }
        call();
        return get(layers_.back()->y);
    }

private:
    void stream_steps(Floats *all) {
        Forward &layer = *layers_[0];
        for (long step = 0; step < case_.steps; step++) {
            put(layer.x, &x_[step * case_.input]);
            layer.step();
            stream_.wait();
            if (!all) continue;
            auto y = get(layer.y);
            all->insert(all->end(), y.begin(), y.end());
        }
    }

    Case case_;
    dnnl::stream &stream_;
    Floats x_;
    std::vector<std::unique_ptr<Forward>> layers_;
    std::unique_ptr<Learning> learning_;
};

static double timed(Runner &runner) {
    auto start = std::chrono::steady_clock::now();
    runner.call();
    auto took = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start);
    return std::max(took.count(), 1.0);
}

// The first call fills the caches and does not count, unless it takes as long alone.
static std::string median(Runner &runner, double least) {
    double first = timed(runner), total = 0;
    std::vector<double> times;
    if (first >= least) times.push_back(first);
    while (times.empty() || (first < least && total < least)) total += times.emplace_back(timed(runner));
    std::sort(times.begin(), times.end());
    return "ok " + std::to_string(times[times.size() / 2]) + " " + std::to_string(times.size());
}

static std::string answer(std::unique_ptr<Runner> &runner, const std::string &line, dnnl::stream &stream) {
    std::istringstream words(line);
    std::string verb, folder, y_file;
    words >> verb;
    if (verb == "load" && words >> folder >> y_file) {
        runner.reset();
        auto loaded = std::make_unique<Runner>(Case(folder), stream);
        write_floats(y_file, loaded->outputs());
        auto took = timed(*loaded);
        runner = std::move(loaded);
        return "ok " + std::to_string(took);
    }
    double seconds = 0;
    if (verb == "time" && runner && words >> seconds) return median(*runner, seconds * 1e9);
    return "error: " + line + ": expected load FOLDER Y_FILE, then time SECONDS, or quit";
}

int main() {
    dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream(engine);
    std::unique_ptr<Runner> runner;
    for (std::string line; std::getline(std::cin, line) && line != "quit";) {
        std::string reply;
        try {
            reply = answer(runner, line, stream);
        } catch (const std::exception &error) {
            reply = std::string("error: ") + error.what();
        }
        std::cout << reply << std::endl;
    }
}
