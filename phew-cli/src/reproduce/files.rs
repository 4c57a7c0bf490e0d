//! The descriptions that come with phew: one file for each figure or table.

/// Names and texts of files in `reproductions/`.
macro_rules! files {
    ($($id:literal)*) => {
        &[$(($id, include_str!(concat!("../../reproductions/", $id, ".toml")))),*]
    };
}

/// All of them, by name.
pub(super) const FILES: &[(&str, &str)] = files! {
    "001-figure-1"
    "001-figure-10"
    "001-figure-11"
    "001-figure-12"
    "001-figure-13"
    "001-figure-2"
    "001-figure-3"
    "001-figure-4"
    "001-figure-5"
    "001-figure-6"
    "001-figure-7"
    "001-figure-8"
    "001-figure-9"
    "001-table-1"
    "002-appendix-i"
    "002-figure-1"
    "002-figure-11"
    "002-figure-2"
    "002-figure-4"
    "002-figure-5"
    "002-figure-6"
    "002-figure-7"
    "002-figure-8"
    "002-figure-9"
    "002-initialisation"
    "002-table-2"
    "002-table-3"
    "002-table-5"
    "002-table-7"
    "003-figure-1"
    "003-figure-10"
    "003-figure-11"
    "003-figure-12"
    "003-figure-3"
    "003-figure-4"
    "003-figure-5"
    "003-figure-6"
    "003-figure-7"
    "003-figure-8"
    "003-table-1"
    "003-table-2"
    "003-table-3"
    "004-figure-1"
    "004-figure-2"
    "004-figure-3"
    "004-figure-4"
    "004-figure-5"
    "004-figure-6"
    "004-figure-7"
    "004-figure-8"
    "open-a-little-data"
    "open-how-many-parameters"
    "open-winning-tickets"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_the_folder_is_forgotten() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/reproductions");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "published.toml").collect();
        names.sort();
        let ours: Vec<String> = FILES.iter().map(|(id, _)| format!("{id}.toml")).collect();
        assert_eq!(ours, names);
    }
}
