//! Virtual time: tasks that sleep and wake in one order, so that a seed is a run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

/// Tasks that end together: a process.
pub type Group = u64;
type Task = Pin<Box<dyn Future<Output = ()>>>;

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct TaskWaker {
    id: u64,
    is_queued: AtomicBool,
    ready: Arc<Mutex<VecDeque<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::SeqCst) {
            lock(&self.ready).push_back(self.id);
        }
    }
}

#[derive(Default)]
struct Timers {
    heap: BinaryHeap<Reverse<(u64, u64)>>,
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

/// What tasks hold of the executor.
#[derive(Default)]
pub struct Time {
    now_ms: AtomicU64,
    timers: Mutex<Timers>,
    ended: Mutex<BTreeSet<Group>>,
    next_group: AtomicU64,
}

impl Time {
    pub fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    pub fn sleep(self: &Arc<Self>, ms: u64) -> Sleep {
        Sleep { until_ms: self.now_ms() + ms, is_set: false, time: self.clone() }
    }

    /// A name for a new process.
    pub fn new_group(&self) -> Group {
        self.next_group.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Ends all tasks of a process, once the one that runs has yielded.
    pub fn end(&self, group: Group) {
        lock(&self.ended).insert(group);
    }
}

pub struct Sleep {
    until_ms: u64,
    is_set: bool,
    time: Arc<Time>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.time.now_ms() >= self.until_ms {
            return Poll::Ready(());
        }
        if !self.is_set {
            self.is_set = true;
            let mut timers = lock(&self.time.timers);
            timers.next += 1;
            let number = timers.next;
            timers.heap.push(Reverse((self.until_ms, number)));
            timers.wakers.insert(number, cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Wakes who waits for it, at once or later.
#[derive(Default)]
pub struct Bell(Mutex<(bool, Option<Waker>)>);

impl Bell {
    pub fn ring(&self) {
        let mut state = lock(&self.0);
        state.0 = true;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }

    /// Forgets that it rang.
    pub fn still(&self) {
        lock(&self.0).0 = false;
    }

    /// Until it rings, so many milliseconds at most.
    pub async fn wait(&self, time: &Arc<Time>, ms: u64) {
        let mut sleep = time.sleep(ms);
        std::future::poll_fn(|cx| {
            let mut state = lock(&self.0);
            if std::mem::take(&mut state.0) {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            drop(state);
            Pin::new(&mut sleep).poll(cx)
        })
        .await;
    }
}

struct Slot {
    group: Group,
    task: Option<Task>,
    waker: Arc<TaskWaker>,
}

/// Hands new tasks to the executor from wherever.
#[derive(Clone, Default)]
pub struct Spawner(std::rc::Rc<std::cell::RefCell<Vec<(Group, Task)>>>);

impl Spawner {
    pub fn spawn(&self, group: Group, task: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().push((group, Box::pin(task)));
    }
}

/// Runs tasks, one at a time, in the order in which they became ready.
pub struct Exec {
    pub time: Arc<Time>,
    pub spawner: Spawner,
    tasks: BTreeMap<u64, Slot>,
    ready: Arc<Mutex<VecDeque<u64>>>,
    next_id: u64,
    pub polls: u64,
}

impl Exec {
    pub fn new(start_ms: u64) -> Self {
        let time = Arc::new(Time::default());
        time.now_ms.store(start_ms, Ordering::SeqCst);
        Self { time, spawner: Spawner::default(), tasks: BTreeMap::new(), ready: Arc::default(), next_id: 0, polls: 0 }
    }

    fn take_in(&mut self) {
        for (group, task) in self.spawner.0.take() {
            self.next_id += 1;
            let id = self.next_id;
            let waker = Arc::new(TaskWaker { id, is_queued: AtomicBool::new(true), ready: self.ready.clone() });
            self.tasks.insert(id, Slot { group, task: Some(task), waker });
            lock(&self.ready).push_back(id);
        }
        let ended = std::mem::take(&mut *lock(&self.time.ended));
        if !ended.is_empty() {
            let gone: Vec<u64> =
                self.tasks.iter().filter(|(_, slot)| ended.contains(&slot.group)).map(|(id, _)| *id).collect();
            for id in gone {
                drop(self.tasks.remove(&id));
            }
        }
    }

    /// Runs until the time has come.
    pub fn run_until(&mut self, until_ms: u64) {
        loop {
            self.take_in();
            let next = lock(&self.ready).pop_front();
            if let Some(id) = next {
                self.poll(id);
                continue;
            }
            let due = {
                let mut timers = lock(&self.time.timers);
                match timers.heap.peek().copied() {
                    Some(Reverse((at_ms, number))) if at_ms <= until_ms => {
                        timers.heap.pop();
                        timers.wakers.remove(&number).map(|waker| (at_ms, waker))
                    }
                    _ => None,
                }
            };
            let Some((at_ms, waker)) = due else {
                self.time.now_ms.store(until_ms, Ordering::SeqCst);
                return;
            };
            self.time.now_ms.store(at_ms.max(self.time.now_ms()), Ordering::SeqCst);
            waker.wake();
        }
    }

    fn poll(&mut self, id: u64) {
        let Some(slot) = self.tasks.get_mut(&id) else {
            return;
        };
        slot.waker.is_queued.store(false, Ordering::SeqCst);
        let Some(mut task) = slot.task.take() else {
            return;
        };
        let waker = Waker::from(slot.waker.clone());
        self.polls += 1;
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(()) => {
                self.tasks.remove(&id);
            }
            Poll::Pending => {
                if let Some(slot) = self.tasks.get_mut(&id) {
                    slot.task = Some(task);
                }
            }
        }
    }
}
