//! What is used here of include/mbsopt, as it is declared there.
use std::os::raw::{c_char, c_double, c_int, c_void};

pub enum Network {}
pub enum Plan {}

pub const MESSAGES: usize = 20;
pub const MESSAGE_BYTES: usize = 480;

#[repr(C)]
pub struct Error {
    pub status: c_int,
    pub count: usize,
    pub message: [[c_char; MESSAGE_BYTES]; MESSAGES],
}

/// `mbs_hardware` as it is filled in by the library; larger than it is, for it may grow.
#[repr(C)]
pub struct Hardware(pub [u64; 256]);

/// `mbs_options`; what it may grow by is zero, which means what was before.
#[repr(C)]
pub struct Options {
    pub planner: c_int,
    pub objective: c_int,
    pub batch: i64,
    pub buffer_bytes: i64,
    pub inference: c_int,
    pub keep_batch_norm: c_int,
    pub recompute: c_int,
    pub max_recompute_percent: c_double,
    pub no_pin: c_int,
    pub no_stream: c_int,
    pub time_limit_s: c_double,
    pub gap_percent: c_double,
    pub progress: Option<extern "C" fn(*const c_void, *mut c_void) -> c_int>,
    pub progress_context: *mut c_void,
    pub no_strips: c_int,
    pub room: [u64; 32],
}

#[repr(C)]
#[derive(Default)]
pub struct Traffic {
    pub activation_read: i64,
    pub activation_write: i64,
    pub weight_read: i64,
    pub weight_gradient: i64,
    pub total: i64,
    pub room: [u64; 16],
}

extern "C" {
    pub fn mbs_version() -> *const c_char;
    pub fn mbs_error_clear(error: *mut Error);
    pub fn mbs_free(memory: *mut c_void);
    pub fn mbs_hardware_wavecore(hardware: *mut Hardware);
    pub fn mbs_network_load_file(made: *mut *mut Network, path: *const c_char, error: *mut Error) -> c_int;
    pub fn mbs_network_free(network: *mut Network);
    pub fn mbs_planner_from_name(planner: *mut c_int, name: *const c_char, error: *mut Error) -> c_int;
    pub fn mbs_plan_network(
        made: *mut *mut Plan,
        network: *const Network,
        hardware: *const Hardware,
        options: *const Options,
        error: *mut Error,
    ) -> c_int;
    pub fn mbs_plan_traffic(plan: *const Plan, traffic: *mut Traffic);
    pub fn mbs_plan_group_count(plan: *const Plan) -> usize;
    pub fn mbs_plan_to_json(text: *mut *mut c_char, plan: *const Plan, error: *mut Error) -> c_int;
    pub fn mbs_plan_free(plan: *mut Plan);
}
