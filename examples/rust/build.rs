//! Where the library is: MBSOPT_LIB_DIR, or what pkg-config says of mbsopt, or where linkers look.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=MBSOPT_LIB_DIR");
    println!("cargo:rustc-link-lib=dylib=mbsopt");
    let folder = env::var("MBSOPT_LIB_DIR").ok().or_else(|| {
        let asked = Command::new("pkg-config").args(["--variable=libdir", "mbsopt"]).output().ok()?;
        let folder = String::from_utf8(asked.stdout).ok()?.trim().to_string();
        (asked.status.success() && !folder.is_empty()).then_some(folder)
    });
    if let Some(folder) = folder {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
