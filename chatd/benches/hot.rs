//! What each step of a message's way costs: `cargo bench -p chatd`.

use std::cell::RefCell;

use chatd::hot::{Hot, message};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use proto::{Decoder, Request};
use tempfile::TempDir;

/// Members of the room: enough that one message's share of the rest does not show.
const MEMBERS: usize = 100;

/// Messages in one go: half of what a connection may have under way.
const MESSAGES: usize = 32;

fn main() {
    divan::main();
}

fn start(members: usize) -> (TempDir, RefCell<Hot>) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let hot = Hot::start(folder.path(), members);
    (folder, RefCell::new(hot))
}

/// Everything that was said is handed out and read.
fn settle(hot: &mut Hot, said: usize) {
    let mut seen = 0;
    while seen < said {
        let batch = hot.take();
        seen += batch.len();
        batch.into_iter().for_each(|landed| hot.deliver(landed));
    }
    hot.flush();
    hot.drain();
}

#[divan::bench]
fn frame_decode(bencher: Bencher<'_, '_>) {
    let body = message();
    let mut frame = u32::try_from(body.len()).expect("it is short").to_be_bytes().to_vec();
    frame.extend_from_slice(&body);
    bencher.bench(|| Decoder::default().read_from(&mut black_box(&*frame), 65_536));
}

#[divan::bench]
fn request_parse(bencher: Bencher<'_, '_>) {
    let body = message();
    bencher.bench(|| Request::parse(black_box(&body)).is_ok());
}

/// Parsed, judged, and put into the queue of the ledger.
#[divan::bench]
fn dispatch(bencher: Bencher<'_, '_>) {
    let ((_folder, hot), body) = (start(1), message());
    let mut is_first = true;
    let reset = || {
        if !std::mem::take(&mut is_first) {
            settle(&mut hot.borrow_mut(), MESSAGES);
        }
    };
    bencher.counter(ItemsCount::new(MESSAGES)).with_inputs(reset).bench_local_values(|()| {
        (0..MESSAGES).for_each(|_| hot.borrow_mut().ask(0, black_box(&body)));
    });
    settle(&mut hot.borrow_mut(), MESSAGES);
}

/// Said and kept: one transaction or more, and back.
#[divan::bench]
fn append(bencher: Bencher<'_, '_>) {
    let ((_folder, hot), body) = (start(1), message());
    let kept = RefCell::new(Vec::new());
    let reset = || {
        let hot = &mut hot.borrow_mut();
        kept.borrow_mut().drain(..).for_each(|landed| hot.deliver(landed));
        hot.flush();
        hot.drain();
    };
    bencher.counter(ItemsCount::new(MESSAGES)).with_inputs(reset).bench_local_values(|()| {
        let mut hot = hot.borrow_mut();
        (0..MESSAGES).for_each(|_| hot.ask(0, black_box(&body)));
        while kept.borrow().len() < MESSAGES {
            kept.borrow_mut().extend(hot.take());
        }
    });
}

/// A message is queued at each member.
#[divan::bench]
fn enqueue(bencher: Bencher<'_, '_>) {
    let ((_folder, hot), body) = (start(MEMBERS), message());
    let reset = || {
        let mut hot = hot.borrow_mut();
        hot.flush();
        hot.drain();
        hot.ask(0, &body);
        hot.take()
    };
    bencher.counter(ItemsCount::new(MEMBERS)).with_inputs(reset).bench_local_values(|batch| {
        batch.into_iter().for_each(|landed| hot.borrow().deliver(landed));
    });
}

/// What waits for each member is put into a record, encrypted and written.
#[divan::bench(args = [1, MESSAGES])]
fn flush(bencher: Bencher<'_, '_>, messages: usize) {
    let ((_folder, hot), body) = (start(MEMBERS), message());
    let reset = || {
        let mut hot = hot.borrow_mut();
        hot.drain();
        (0..messages).for_each(|_| hot.ask(0, &body));
        let mut seen = 0;
        while seen < messages {
            let batch = hot.take();
            seen += batch.len();
            batch.into_iter().for_each(|landed| hot.deliver(landed));
        }
    };
    let count = ItemsCount::new(MEMBERS * messages);
    bencher.counter(count).with_inputs(reset).bench_local_values(|()| hot.borrow_mut().flush());
}
