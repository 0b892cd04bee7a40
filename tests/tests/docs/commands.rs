//! What the README says that the two scripts for a newcomer print.

use crate::repository::read;

/// The lines the README shows below a command, up to the part that differs from run to run.
fn shown(command: &str) -> Vec<String> {
    let readme = read("README.md");
    let block = readme.split("```").find(|block| block.contains(command));
    let lines = block
        .unwrap_or_default()
        .lines()
        .skip_while(|line| !line.is_empty());
    let words =
        lines.filter(|line| line.starts_with(char::is_alphanumeric) || line.starts_with('='));
    words
        .map(|line| line.split([':', ';']).next().unwrap_or_default())
        .map(|line| {
            line.split("  ")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn the_demo_prints_the_steps_the_readme_shows() {
    let steps = shown("$ scripts/demo");
    assert!(steps.len() >= 8, "{steps:?}");
    let scripts = read("scripts/demo") + &read("scripts/demo.py");
    for step in steps {
        let printed = [
            format!("step \"{step}"),
            format!("step(\"{step}"),
            format!("step {step}"),
        ];
        assert!(printed.iter().any(|text| scripts.contains(text)), "{step}");
    }
}

#[test]
fn the_test_script_prints_the_phases_the_readme_shows() {
    let phases = shown("$ scripts/test");
    assert!(phases.len() >= 4, "{phases:?}");
    let script = read("scripts/test");
    for phase in phases {
        let name = phase.trim_start_matches("=== ");
        let printed = [format!("phase \"{name}\""), format!("=== {name}")];
        assert!(printed.iter().any(|text| script.contains(text)), "{phase}");
    }
}
