// A C++ program that uses mbsopt.hpp: a plan, the exports by name, and an error as an exception.
#include <cstdio>
#include <mbsopt/mbsopt.hpp>

int main(int argc, char **argv)
{
    try {
        mbsopt::network network = mbsopt::load_network(argv[1]);
        mbs_options options = mbsopt::default_options();
        options.buffer_bytes = 1 << 20;
        mbsopt::plan plan = mbsopt::make_plan(network, mbsopt::wavecore(), options);
        network.reset(); // the plan needs it no more
        if (argc > 2)
            mbsopt::load_plan(argv[2]);
        std::printf("%lld bytes, %zu in the file\n", static_cast<long long>(mbsopt::traffic(plan).total),
                    mbsopt::json(plan).size());
    } catch (const mbsopt::error &problem) {
        std::printf("%d: %s\n", problem.status(), problem.what());
        return 1;
    }
}
