//! The `canon` command line.

use canon_codegen::{load, source};

fn main() {
    let mut sources = Vec::new();
    let mut args = std::env::args().skip(1);
    let url = args.next().unwrap();
    let schemas: String = args.next().unwrap();
    for path in args {
        sources.push(source::Source::from_bytes(path.clone(), std::fs::read(&path).unwrap()).unwrap());
    }
    let loaded = load::load(sources);
    for d in &loaded.diagnostics { println!("{}", d.render(&loaded.sources, false)); }
    let list: Vec<&str> = schemas.split(',').collect();
    let live = canon_codegen::live::connect(&url, Some(&list)).unwrap();
    let d = canon_core::schema::diff(&loaded.model, &live, &mut |_, a, b| canon_codegen::expr::same(a, b));
    println!("{} differences", d.len());
    for x in d { println!("  {x}"); }
}
