//! mbsopt NETWORK [BUFFER_BYTES]: what a plan moves, and what the paper's would.
use mbsopt::{Error, Network, Options};

fn run(path: &str, buffer_bytes: i64) -> Result<(), Error> {
    let network = Network::load(path)?;
    for planner in ["mbs2", "dp"] {
        let plan = network.plan(&Options { planner: planner.into(), buffer_bytes, ..Options::default() })?;
        println!("{planner}: {} bytes in {} groups, {} in the file", plan.total_bytes(), plan.groups(), plan.json()?.len());
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.len() < 2 {
        eprintln!("usage: mbsopt NETWORK [BUFFER_BYTES]; libmbsopt {}", mbsopt::version());
        std::process::exit(2);
    }
    let buffer_bytes = words.get(2).map_or(0, |text| text.parse().unwrap_or(-1));
    if let Err(problem) = run(&words[1], buffer_bytes) {
        eprintln!("{problem}");
        std::process::exit(1);
    }
}
