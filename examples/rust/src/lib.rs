//! Plans of networks, by way of libmbsopt.
mod ffi;

use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::{c_char, c_int, c_void};
use std::ptr;

/// What went wrong, a line for each fault.
#[derive(Debug)]
pub struct Error {
    pub status: i32,
    pub messages: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{}", self.messages.join("\n"))
    }
}

impl std::error::Error for Error {}

unsafe fn text(of: *const c_char) -> String {
    CStr::from_ptr(of).to_string_lossy().into_owned()
}

/// Makes a call with an error of its own.
fn checked(call: impl FnOnce(*mut ffi::Error) -> c_int) -> Result<(), Error> {
    let mut problem = Box::new(ffi::Error { status: 0, count: 0, message: [[0; ffi::MESSAGE_BYTES]; ffi::MESSAGES] });
    unsafe { ffi::mbs_error_clear(&mut *problem) };
    let status = call(&mut *problem);
    if status == 0 {
        return Ok(());
    }
    let told = problem.message.iter().take(problem.count);
    Err(Error { status, messages: told.map(|line| unsafe { text(line.as_ptr()) }).collect() })
}

fn c_text(of: &str) -> Result<CString, Error> {
    CString::new(of).map_err(|_| Error { status: 1, messages: vec![format!("{of:?} has a NUL in it")] })
}

/// The version of the library.
pub fn version() -> String {
    unsafe { text(ffi::mbs_version()) }
}

/// How to plan; `buffer_bytes` 0 is the machine's.
#[derive(Clone, Debug)]
pub struct Options {
    pub planner: String,
    pub batch: i64,
    pub buffer_bytes: i64,
    pub inference: bool,
    pub time_limit_s: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options { planner: "best".into(), batch: 32, buffer_bytes: 0, inference: false, time_limit_s: f64::INFINITY }
    }
}

impl Options {
    fn as_library(&self) -> Result<ffi::Options, Error> {
        let name = c_text(&self.planner)?;
        let mut planner = 0;
        checked(|error| unsafe { ffi::mbs_planner_from_name(&mut planner, name.as_ptr(), error) })?;
        Ok(ffi::Options {
            planner,
            objective: 0,
            batch: self.batch,
            buffer_bytes: self.buffer_bytes,
            inference: self.inference.into(),
            keep_batch_norm: 0,
            recompute: 0,
            max_recompute_percent: 10.0,
            no_pin: 0,
            no_stream: 0,
            time_limit_s: self.time_limit_s,
            gap_percent: 0.0,
            progress: None,
            progress_context: ptr::null_mut(),
            no_strips: 0,
            room: [0; 32],
        })
    }
}

/// A checked network. It does not change, so threads may share it.
pub struct Network(*mut ffi::Network);
unsafe impl Send for Network {}
unsafe impl Sync for Network {}

impl Network {
    pub fn load(path: &str) -> Result<Network, Error> {
        let (path, mut made) = (c_text(path)?, ptr::null_mut());
        checked(|error| unsafe { ffi::mbs_network_load_file(&mut made, path.as_ptr(), error) })?;
        Ok(Network(made))
    }

    /// Plans a step of training, or of inference, on WaveCore; the plan was replayed.
    pub fn plan(&self, options: &Options) -> Result<Plan, Error> {
        let options = options.as_library()?;
        let (mut machine, mut made) = (ffi::Hardware([0; 256]), ptr::null_mut());
        unsafe { ffi::mbs_hardware_wavecore(&mut machine) };
        checked(|error| unsafe { ffi::mbs_plan_network(&mut made, self.0, &machine, &options, error) })?;
        Ok(Plan(made))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        unsafe { ffi::mbs_network_free(self.0) }
    }
}

/// A plan, which does not change either.
pub struct Plan(*mut ffi::Plan);
unsafe impl Send for Plan {}
unsafe impl Sync for Plan {}

impl Plan {
    /// DRAM bytes of a step and core.
    pub fn total_bytes(&self) -> i64 {
        let mut moved = ffi::Traffic::default();
        unsafe { ffi::mbs_plan_traffic(self.0, &mut moved) };
        moved.total
    }

    pub fn groups(&self) -> usize {
        unsafe { ffi::mbs_plan_group_count(self.0) }
    }

    /// The plan file's text.
    pub fn json(&self) -> Result<String, Error> {
        let mut made = ptr::null_mut();
        checked(|error| unsafe { ffi::mbs_plan_to_json(&mut made, self.0, error) })?;
        let copy = unsafe { text(made) };
        unsafe { ffi::mbs_free(made as *mut c_void) };
        Ok(copy)
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        unsafe { ffi::mbs_plan_free(self.0) }
    }
}
