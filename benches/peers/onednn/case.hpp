// A case's folder: its sizes and its tensors, as run.py writes them.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using Floats = std::vector<float>;

inline Floats read_floats(const std::filesystem::path &path) {
    Floats values(std::filesystem::file_size(path) / sizeof(float));
    std::ifstream(path, std::ios::binary).read(reinterpret_cast<char *>(values.data()), values.size() * sizeof(float));
    return values;
}

inline void write_floats(const std::filesystem::path &path, const Floats &values) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
}

struct Case {
    std::string cell, feeding;
    long steps, batch, input, hidden, layers, directions;
    std::filesystem::path folder;

    explicit Case(const std::filesystem::path &path) : folder(path) {
        std::ifstream file(path / "case.txt");
        std::map<std::string, std::string> keys;
        for (std::string key, value; file >> key >> value;) keys[key] = value;
        auto size = [&](const char *key) { return std::stol(keys.at(key)); };
        cell = keys.at("cell"), feeding = keys.at("feeding");
        steps = size("steps"), batch = size("batch"), input = size("input");
        hidden = size("hidden"), layers = size("layers"), directions = size("directions");
    }

    Floats tensor(const std::string &name) const { return read_floats(folder / (name + ".f32")); }

    // Of one layer, the directions one behind the other.
    Floats tensors(const std::string &name, long layer) const {
        Floats all;
        for (long direction = 0; direction < directions; direction++) {
            auto own = tensor(name + "_l" + std::to_string(layer) + (direction ? "_reverse" : ""));
            all.insert(all.end(), own.begin(), own.end());
        }
        return all;
    }
};
