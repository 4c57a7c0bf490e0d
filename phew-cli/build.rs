//! Links the command to libtorch when the feature `train` asks for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_TRAIN").is_none() {
        return;
    }
    // Set by torch-sys, for its direct dependents alone.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    // Where the loader looks for libtorch when the program starts.
    println!("cargo::rustc-link-arg=-Wl,-rpath={lib}");
    // Nothing of ours names a symbol of libtorch_cuda, so the linker would drop it, and CUDA with it.
    println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
    println!("cargo::rustc-link-arg=-ltorch");
}
