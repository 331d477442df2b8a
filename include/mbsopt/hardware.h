/* Hardware descriptions: `mbsopt-hardware/1` (sections 4 and 7). */
#ifndef MBSOPT_HARDWARE_H
#define MBSOPT_HARDWARE_H

#include "mbsopt/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The smallest buffer that is no typing error. */
#define MBS_MIN_BUFFER_BYTES 4096

/* How the cycles of a matrix product are counted (section 7). */
typedef enum mbs_cycle_model {
    MBS_CYCLES_WAVECORE = 0, /* tiles of accumulator_rows, weights loaded meanwhile */
    MBS_CYCLES_SCALESIM,     /* as SCALE-Sim's weight-stationary array counts them */
    MBS_CYCLE_MODEL_COUNT
} mbs_cycle_model;

/* Its name in files and on the command line ("scalesim"), or null. Static storage. */
MBS_API const char *mbs_cycle_model_name(mbs_cycle_model model);

/* What of a core's array, vector unit and DRAM works at the same time (section 7). */
typedef enum mbs_overlap {
    MBS_OVERLAP_STEP = 0, /* a step's transfers with its computation */
    MBS_OVERLAP_NONE,     /* nothing */
    MBS_OVERLAP_GROUP,    /* all, on different iterations of a group */
    MBS_OVERLAP_COUNT
} mbs_overlap;

/* Its name in files and on the command line ("group"), or null. Static storage. */
MBS_API const char *mbs_overlap_name(mbs_overlap overlap);

/* A machine, per core where nothing else is said. A plain value: copy and change it freely. */
typedef struct mbs_hardware {
    char name[64];
    int64_t cores;
    int64_t buffer_bytes;
    int64_t reserved_bytes;         /* of the buffer, not for the planner's use */
    int64_t buffer_alignment_bytes; /* of addresses in the buffer: a power of 2, at most 4096 */
    mbs_word_bits bits;
    int64_t norm_passes; /* reads of each operand by a norm or softmax step run in passes */
    int64_t clock_hz;
    int64_t array_rows;
    int64_t array_cols;
    int64_t accumulator_rows;
    int64_t vector_elements_per_cycle;
    char memory_name[64];
    int64_t bandwidth_bytes_per_s; /* of the whole chip */
    double dram_pj_per_bit;
    double mac_pj;
    double buffer_pj_per_byte;
    double vector_pj; /* per element */
    double static_w;  /* per core */
    mbs_cycle_model cycle_model;
    uint64_t stated; /* which members its file states (mbs_hardware_member); 0: there is no file */
    mbs_optimizer_bits optimizer_bits;
    double dram_efficiency; /* share of the bandwidth that is sustained; 0 stands for all of it, not
                               for what was measured, which a file that says nothing gets */
    double measured_dram_efficiency; /* what the memory was measured to sustain; 0: not known, as of
                                        a memory of which a file says all but that */
    int64_t slice_bytes; /* of an operand, that move at a time; 0: all of it (mbs_simulate) */
    mbs_overlap overlap;
} mbs_hardware;

/* WaveCore with HBM2, the default machine; what models/hardware/wavecore.json says. */
MBS_API void mbs_hardware_wavecore(mbs_hardware *hardware);

/*
 * Loads an `mbsopt-hardware/1` file. Members that the file leaves out keep WaveCore's value, but
 * for dram_efficiency, which is then what the file's memory was measured to sustain, or 1 where
 * that is not known. Errors: MBS_ERR_INPUT, MBS_ERR_IO, MBS_ERR_MEMORY; *hardware is then
 * unspecified.
 */
MBS_API mbs_status mbs_hardware_load_file(mbs_hardware *hardware, const char *path,
                                          mbs_error *error);

/* The same from `length` bytes of text; `label` stands for the file's name in messages. */
MBS_API mbs_status mbs_hardware_load_text(mbs_hardware *hardware, const char *text, size_t length,
                                          const char *label, mbs_error *error);

/*
 * Makes what the memory was measured to sustain (section 7) the DRAM efficiency, as it is in
 * machines that are loaded unless their files say otherwise. 1 is the paper's.
 * Errors: MBS_ERR_INPUT (the machine's file tells of a memory but of no measurement),
 * MBS_ERR_ARGUMENT.
 */
MBS_API mbs_status mbs_hardware_use_measured_efficiency(mbs_hardware *hardware, mbs_error *error);

/* A member of hardware files. */
typedef struct mbs_hardware_member_info {
    char name[48];  /* "cores", "memory.bandwidth_bytes_per_s" */
    char value[64]; /* as in the file, names without quotes */
    int is_stated;  /* by the file that the hardware was loaded from; else it is WaveCore's, or, of
                       "memory.dram_efficiency", follows from what was measured */
} mbs_hardware_member_info;

/* How many members have a value, and the `index`-th in a fixed order. Errors: MBS_ERR_ARGUMENT. */
MBS_API size_t mbs_hardware_member_count(void);
MBS_API mbs_status mbs_hardware_member(const mbs_hardware *hardware, size_t index,
                                       mbs_hardware_member_info *info);

/* Room for a digest with its NUL. */
#define MBS_DIGEST_BYTES 25

/*
 * Tells machines apart by their figures, whatever they are called: "fnv1a64:" and 16 hexadecimal
 * digits, the 64-bit FNV-1a hash of a line "NAME=VALUE" for each member in the order of
 * mbs_hardware_member. Left out are the names of the machine and of its memory, a measurement that
 * nothing is made of, and of members that digests did not have from the beginning those that say
 * what held before.
 */
MBS_API void mbs_hardware_digest(const mbs_hardware *hardware, char digest[MBS_DIGEST_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
