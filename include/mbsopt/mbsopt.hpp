/* mbsopt for C++11 and later: handles that free themselves, and exceptions in place of statuses. */
#ifndef MBSOPT_HPP
#define MBSOPT_HPP

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "mbsopt/mbsopt.h"

namespace mbsopt {

/* What went wrong: the first line as what(), all of it as details(). */
class error : public std::runtime_error {
  public:
    explicit error(const mbs_error &of)
        : std::runtime_error(of.count > 0 ? of.message[0] : mbs_status_text(of.status)), details_(of)
    {
    }
    mbs_status status() const noexcept { return details_.status; }
    const mbs_error &details() const noexcept { return details_; }

  private:
    mbs_error details_;
};

/*
 * Calls function(arguments..., &error) and throws what it returns other than MBS_OK:
 *   mbsopt::call(mbs_plan_export, plan.get(), &machine, &options, "timeline.json");
 */
template <typename... Parameters, typename... Arguments>
void call(mbs_status (*function)(Parameters...), Arguments &&...arguments)
{
    mbs_error problem;
    mbs_error_clear(&problem);
    problem.status = function(std::forward<Arguments>(arguments)..., &problem);
    if (problem.status != MBS_OK)
        throw error(problem);
}

struct deleter {
    void operator()(mbs_network *of) const noexcept { mbs_network_free(of); }
    void operator()(mbs_program *of) const noexcept { mbs_program_free(of); }
    void operator()(mbs_plan *of) const noexcept { mbs_plan_free(of); }
    void operator()(char *of) const noexcept { mbs_free(of); }
};

using network = std::unique_ptr<mbs_network, deleter>;
using program = std::unique_ptr<mbs_program, deleter>;
using plan = std::unique_ptr<mbs_plan, deleter>;

/* Calls a function whose first parameter is where the result goes, which becomes the handle's. */
template <typename Handle, typename... Parameters, typename... Arguments>
std::unique_ptr<Handle, deleter> make(mbs_status (*function)(Handle **, Parameters...),
                                      Arguments &&...arguments)
{
    Handle *made = nullptr;
    try {
        call(function, &made, std::forward<Arguments>(arguments)...);
    } catch (...) {
        deleter()(made);
        throw;
    }
    return std::unique_ptr<Handle, deleter>(made);
}

/* MBS_OPTIONS_INIT: the planner best, 32 samples, the machine's buffer. */
inline mbs_options default_options()
{
    const mbs_options options = MBS_OPTIONS_INIT;
    return options;
}

inline mbs_hardware wavecore()
{
    mbs_hardware machine;
    mbs_hardware_wavecore(&machine);
    return machine;
}

inline mbs_hardware load_hardware(const std::string &path)
{
    mbs_hardware machine;
    call(mbs_hardware_load_file, &machine, path.c_str());
    return machine;
}

inline network load_network(const std::string &path)
{
    return make(mbs_network_load_file, path.c_str());
}

inline plan load_plan(const std::string &path)
{
    return make(mbs_plan_load_file, path.c_str());
}

/* From a network to its plan, replayed (mbs_plan_network). */
inline plan make_plan(const network &of, const mbs_hardware &machine = wavecore(),
                      const mbs_options &options = default_options())
{
    return make(mbs_plan_network, of.get(), &machine, &options);
}

inline mbs_traffic traffic(const plan &of)
{
    mbs_traffic moved;
    mbs_plan_traffic(of.get(), &moved);
    return moved;
}

/* The plan file's text. */
inline std::string json(const plan &of)
{
    return make(mbs_plan_to_json, of.get()).get();
}

} // namespace mbsopt

#endif
