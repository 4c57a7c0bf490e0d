//! The libtorch that the tests run on is found, and keeps CUDA when it has it.

use phew_train::{Cuda, Hidden, libtorch};

#[test]
fn the_loaded_library_states_the_version_that_tch_is_made_for() {
    let torch = libtorch();
    let version = torch.version.expect("a version file lies beside libtorch");
    assert!(version.starts_with("2.11.0"), "{version}");
    let folder = torch.folder.expect("the loader names the library");
    assert!(folder.join("libtorch_cpu.so").exists(), "{}", folder.display());
}

#[test]
fn cuda_is_linked_when_the_library_has_it() {
    let torch = libtorch();
    let folder = torch.folder.expect("the loader names the library");
    let has = folder.join("libtorch_cuda.so").exists();
    assert_eq!(tch::utils::has_cudart(), has);
    if has {
        assert_ne!(torch.cuda, Cuda::Hidden(Hidden::NotLinked));
        assert_ne!(torch.cuda, Cuda::Hidden(Hidden::CpuBuild));
    }
}
