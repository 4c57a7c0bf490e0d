//! Data sets by what names them, each read once and copied to a device once in the life of the process: the jobs of a
//! sweep share them. What is taken of a set is part of what names it: jobs on the same part share it as well.

use std::sync::{Arc, Mutex, PoisonError};

use phew_train::{DataSpec, Dataset};
#[cfg(feature = "train")]
use phew_train::{Device, DeviceDataset};

use crate::stderr;

/// Things by their names. A place is locked while its thing is made, so that who else wants it waits for it.
#[derive(Debug)]
struct Cache<K, V>(Mutex<Vec<(K, Place<V>)>>);

type Place<V> = Arc<Mutex<Option<Arc<V>>>>;

impl<K: PartialEq, V> Cache<K, V> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The thing of a name, made if it is not there. What cannot be made is tried again by the next.
    fn get(&self, key: K, make: impl FnOnce() -> anyhow::Result<V>) -> anyhow::Result<Arc<V>> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = places.iter().find(|(found, _)| *found == key).map(|(_, place)| place.clone());
        let place = known.unwrap_or_else(|| {
            let place = Place::default();
            places.push((key, Arc::clone(&place)));
            place
        });
        drop(places);
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(made) => Ok(Arc::clone(made)),
            None => Ok(Arc::clone(place.insert(Arc::new(make()?)))),
        }
    }
}

/// The images of a data set.
///
/// # Errors
/// What reading the set runs into.
pub(crate) fn images(spec: &DataSpec) -> anyhow::Result<Arc<Dataset>> {
    static IMAGES: Cache<DataSpec, Dataset> = Cache::new();
    IMAGES.get(spec.clone(), || {
        let set = spec.load()?;
        set.notes.iter().for_each(|note| stderr::warn(format_args!("{}: {note}", set.name)));
        Ok(set)
    })
}

/// The same on a device.
///
/// # Errors
/// As [`images`], and if the device has no room.
#[cfg(feature = "train")]
pub(crate) fn on_device(spec: &DataSpec, device: Device) -> anyhow::Result<Arc<DeviceDataset>> {
    static ON_DEVICE: Cache<(DataSpec, Device), DeviceDataset> = Cache::new();
    ON_DEVICE.get((spec.clone(), device), || Ok(DeviceDataset::new(&*images(spec)?, device)?))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_thing_is_made_once_whoever_asks_and_again_after_a_failure() {
        let (cache, made) = (Cache::<u32, usize>::new(), AtomicUsize::new(0));
        assert!(cache.get(1, || anyhow::bail!("not yet")).is_err());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| cache.get(1, || Ok(made.fetch_add(1, Ordering::SeqCst))).unwrap());
            }
        });
        assert_eq!((*cache.get(1, || Ok(9)).unwrap(), made.load(Ordering::SeqCst)), (0, 1));
    }
}
