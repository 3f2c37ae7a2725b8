//! The charts: bars beside their numbers, and the timeline as inline SVG.
//!
//! Position and length say all; colour says nothing by itself. Every chart has its numbers as text.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::words;

/// Interpreters that the chart names; the others are summed up.
const PYTHONS: usize = 14;
/// The timeline in the units of its own picture.
const WIDTH: usize = 780;
const UP: usize = 130;
const AXIS: usize = 26;
const TOP: usize = 12;
/// Months that are shown one by one before years take over, and years before decades do.
const MONTHS: i64 = 36;
const YEARS: usize = 40;

/// One bar with its number.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub(super) code: String,
    pub(super) count: String,
    /// Percent of the longest bar, at least one where there is anything.
    pub(super) width: u64,
    /// Its part of the sum of all: `58 %`.
    pub(super) share: String,
    pub(super) meaning: &'static str,
}

/// Bars whose lengths are shares of the largest count.
pub(super) fn bars<'a>(counts: impl IntoIterator<Item = (&'a str, u64, &'static str)>) -> Vec<Bar> {
    let counts: Vec<_> = counts.into_iter().collect();
    let largest = counts.iter().map(|&(_, count, _)| count).max().unwrap_or_default();
    let sum = counts.iter().fold(0_u64, |sum, &(_, count, _)| sum.saturating_add(count));
    let bar = |(code, count, meaning): (&str, u64, _)| Bar {
        code: code.to_owned(),
        count: words::number(count),
        width: share(count, largest, 100),
        share: percent(count, sum),
        meaning,
    };
    counts.into_iter().map(bar).collect()
}

/// The interpreters, the most frequent first, and a note of those that are left out.
pub(super) fn pythons(counts: &BTreeMap<String, u64>) -> (Vec<Bar>, String) {
    let mut sorted: Vec<_> = counts.iter().map(|(name, &count)| (name.as_str(), count, "")).collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let left = sorted.split_off(PYTHONS.min(sorted.len()));
    let more = if left.is_empty() {
        String::new()
    } else {
        let files = left.iter().map(|&(_, count, _)| count).sum();
        let files = words::counted(files, "file", "files");
        format!("and {} more with {files}", words::counted(words::length(&left), "interpreter", "interpreters"))
    };
    (bars(sorted), more)
}

/// A part of a sum for the eye.
fn percent(count: u64, sum: u64) -> String {
    if count == 0 || sum == 0 {
        return String::new();
    }
    let (count, sum) = (u128::from(count), u128::from(sum));
    match (count * 200 + sum) / (sum * 2) {
        0 => "< 1 %".to_owned(),
        100 if count < sum => "> 99 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// A length in proportion, at least 1 for anything above 0.
fn share(count: u64, largest: u64, whole: u64) -> u64 {
    if count == 0 || largest == 0 {
        return 0;
    }
    let length = u128::from(count) * u128::from(whole) / u128::from(largest);
    u64::try_from(length).unwrap_or(whole).max(1)
}

/// How many times fall into each month, gathered while entries stream in.
#[derive(Default)]
pub(super) struct Timeline {
    /// Months since the year 0, with the times that headers record and the times of the files.
    months: BTreeMap<i64, [u64; 2]>,
    /// When the magic numbers of the interpreters that were seen came to be: the month of the earliest of each.
    releases: BTreeMap<String, i64>,
}

/// Which of the two times.
#[derive(Clone, Copy)]
pub(super) enum Which {
    /// The source's time that the header records.
    Recorded = 0,
    /// The file's own.
    Own = 1,
}

/// Times before 1970 and after 2106 cannot be in a header: they are gathered at the ends.
const FIRST_MONTH: i64 = 1969 * 12;
const LAST_MONTH: i64 = 2107 * 12;

/// The timeline as the template draws it.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    width: usize,
    left: usize,
    scale_at: usize,
    height: usize,
    axis: usize,
    gap_top: usize,
    gap_size: usize,
    step: usize,
    bar: usize,
    unit: &'static str,
    recorded: String,
    own: String,
    text: String,
    note: &'static str,
    grid: Vec<Grid>,
    bins: Vec<Bin>,
    releases: Vec<Release>,
    releases_y: usize,
}

/// When a magic number came to be.
#[derive(Debug, Serialize)]
struct Release {
    name: String,
    month: String,
    x: usize,
    /// Empty where there is no room for it.
    label: String,
}

#[derive(Debug, Serialize)]
struct Grid {
    y: usize,
    label: String,
}

#[derive(Debug, Serialize)]
struct Bin {
    name: String,
    label: String,
    recorded: String,
    own: String,
    slot: usize,
    x: usize,
    middle: usize,
    up: usize,
    up_y: usize,
    down: usize,
    down_y: usize,
    gap: bool,
}

impl Timeline {
    /// Notes a time.
    pub(super) fn add(&mut self, which: Which, seconds: i64) {
        self.months.entry(month_of(seconds)).or_default()[which as usize] += 1;
    }

    /// Notes when the magic number of an interpreter came to be.
    pub(super) fn release(&mut self, python: &str, seconds: i64) {
        let month = month_of(seconds);
        match self.releases.get_mut(python) {
            Some(known) => *known = month.min(*known),
            None => {
                self.releases.insert(python.to_owned(), month);
            }
        }
    }

    /// The picture.
    pub(super) fn draw(&self) -> Drawn {
        let (unit, periods) = self.periods();
        let count = periods.len().max(1);
        let largest = periods.iter().flat_map(|period| period.counts).max().unwrap_or_default();
        let scale = round_up(largest);
        // Room for the number at the top of the scale.
        let left = (words::number(scale).len() * 7 + 14).clamp(40, 160);
        // A few bars share the width, without becoming walls.
        let step = ((WIDTH - left) / count).min(320);
        let bar = (step * 7 / 10).clamp(1, 64);
        let every = if unit == "month" { 52 } else { 40 } / step.max(1) + 1;
        let up_base = TOP + UP;
        let down_base = up_base + AXIS;
        let height = |count: u64, whole: usize| {
            let whole = u64::try_from(whole).unwrap_or_default();
            usize::try_from(share(count, scale, whole)).unwrap_or_default().max(if count == 0 { 0 } else { 2 })
        };
        let down = periods.iter().map(|period| height(period.counts[1], UP)).max().unwrap_or_default();
        let mut until_label = 0;
        let mut bins = Vec::with_capacity(periods.len());
        for (at, period) in periods.iter().enumerate() {
            let slot = left + at * step;
            let x = slot + (step - bar) / 2;
            // The two halves share one scale, so that lengths can be compared across the axis.
            let [up, down] = [height(period.counts[0], UP), height(period.counts[1], UP)];
            let label = if until_label == 0 || period.gap { period.short.clone() } else { String::new() };
            until_label = if label.is_empty() { until_label - 1 } else { every - 1 };
            bins.push(Bin {
                name: period.name.clone(),
                label,
                recorded: words::number(period.counts[0]),
                own: words::number(period.counts[1]),
                slot,
                x,
                middle: slot + step / 2,
                up,
                up_y: up_base - up,
                down,
                down_y: down_base,
                gap: period.gap,
            });
        }
        let releases = self.place_releases(&periods, left, step);
        let sum = |which: usize| self.months.values().map(|counts| counts[which]).sum::<u64>();
        let [recorded, own] = [sum(0), sum(1)];
        Drawn {
            width: WIDTH,
            left,
            scale_at: left - 6,
            height: down_base + down + if releases.is_empty() { 6 } else { 32 },
            releases_y: down_base + down + 12,
            releases,
            axis: up_base + 18,
            gap_top: TOP,
            gap_size: UP + AXIS + down,
            step,
            bar,
            unit,
            text: format!("{}{}", text(&periods, recorded, own), self.releases_in_words()),
            recorded: words::number(recorded),
            own: words::number(own),
            note: if periods.iter().any(|period| period.gap) {
                "Dashed lines: years without any file between the bars on either side."
            } else {
                ""
            },
            grid: vec![Grid { y: TOP, label: words::number(scale) }, Grid { y: up_base, label: "0".to_owned() }],
            bins,
        }
    }

    /// The releases that fall into a period, from left to right.
    fn place_releases(&self, periods: &[Period], left: usize, step: usize) -> Vec<Release> {
        let mut placed = Vec::new();
        for (name, &month) in &self.releases {
            let within = |period: &Period| (period.months.0..period.months.0 + period.months.1).contains(&month);
            let Some(at) = periods.iter().position(within) else { continue };
            let (start, length) = periods[at].months;
            let part = (month - start) * 2 + 1;
            let part = usize::try_from(part).unwrap_or_default() * step / usize::try_from(length * 2).unwrap_or(1);
            placed.push((left + at * step + part, name, month));
        }
        placed.sort_unstable();
        let mut free = 0;
        let release = |(x, name, month): (usize, &String, i64)| {
            // A label of some six letters is about 40 units wide.
            let short = name.strip_prefix("CPython ").unwrap_or(name);
            let half = short.chars().count() * 7 / 2 + 3;
            let label = if x >= free + half { short.to_owned() } else { String::new() };
            if !label.is_empty() {
                free = x + half;
            }
            Release { name: name.clone(), month: format!("{}-{:02}", month / 12, month % 12 + 1), x, label }
        };
        placed.into_iter().map(release).collect()
    }

    /// The releases as a sentence, for who cannot see the picture.
    fn releases_in_words(&self) -> String {
        if self.releases.is_empty() {
            return String::new();
        }
        let each = self.releases.iter().map(|(name, month)| format!("{name} {}-{:02}", month / 12, month % 12 + 1));
        format!(" The magic numbers came to be: {}.", each.collect::<Vec<_>>().join(", "))
    }

    /// The periods of the axis: months, years or decades, whichever can be read.
    fn periods(&self) -> (&'static str, Vec<Period>) {
        let (Some((&first, _)), Some((&last, _))) = (self.months.first_key_value(), self.months.last_key_value())
        else {
            return ("year", Vec::new());
        };
        if last - first < MONTHS && first > FIRST_MONTH && last < LAST_MONTH {
            let period = |month: i64| {
                let name = format!("{}-{:02}", month / 12, month % 12 + 1);
                let counts = self.months.get(&month).copied().unwrap_or_default();
                Period { months: (month, 1), short: name.clone(), name, counts, gap: false }
            };
            return ("month", (first..=last).map(period).collect());
        }
        let years = self.by(12);
        if years.len() > YEARS {
            return ("decade", named(&self.by(120), 10));
        }
        ("year", named(&years, 1))
    }

    /// The counts by spans of this many months.
    fn by(&self, span: i64) -> BTreeMap<i64, [u64; 2]> {
        let mut spans: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
        for (month, [recorded, own]) in &self.months {
            let counts = spans.entry(month / span).or_default();
            counts[0] += recorded;
            counts[1] += own;
        }
        spans
    }
}

/// Months since the year 0, gathered at the ends.
fn month_of(seconds: i64) -> i64 {
    let month = match jiff::Timestamp::from_second(seconds) {
        Ok(timestamp) => {
            let civil = timestamp.to_zoned(jiff::tz::TimeZone::UTC);
            i64::from(civil.year()) * 12 + i64::from(civil.month()) - 1
        }
        Err(_) if seconds < 0 => FIRST_MONTH,
        Err(_) => LAST_MONTH,
    };
    if month < 1970 * 12 { FIRST_MONTH } else { month.min(LAST_MONTH) }
}

/// One place on the axis.
struct Period {
    /// Its first month, and how many it has.
    months: (i64, i64),
    name: String,
    short: String,
    counts: [u64; 2],
    /// Whether empty periods before it are left out.
    gap: bool,
}

/// Spans with their names. Up to two empty ones between are drawn, more are left out and marked.
fn named(spans: &BTreeMap<i64, [u64; 2]>, years: i64) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::with_capacity(spans.len());
    let mut before: Option<i64> = None;
    for (&span, &counts) in spans {
        let missing = before.map_or(0, |before| span - before - 1);
        if (1..=2).contains(&missing) {
            periods.extend((span - missing..span).map(|span| period(span, years, [0, 0], false)));
        }
        periods.push(period(span, years, counts, missing > 2));
        before = Some(span);
    }
    periods
}

fn period(span: i64, years: i64, counts: [u64; 2], gap: bool) -> Period {
    let from = span * years;
    let (name, short) = match (from, years) {
        (1969, 1) => ("before 1970".to_owned(), "< 1970".to_owned()),
        (2107, 1) => ("after 2106".to_owned(), "> 2106".to_owned()),
        (_, 1) => (from.to_string(), from.to_string()),
        (1960, _) => ("before 1970".to_owned(), "< 1970".to_owned()),
        _ => (format!("{from} to {}", from + years - 1), from.to_string()),
    };
    Period { months: (from * 12, years * 12), name, short, counts, gap }
}

/// The next round number: the top of a scale.
fn round_up(largest: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 3, 4, 5, 6, 8] {
            let step = power.saturating_mul(factor);
            if step >= largest {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// The chart in a sentence or two.
fn text(periods: &[Period], recorded: u64, own: u64) -> String {
    let busiest =
        |which: usize| periods.iter().max_by_key(|period| period.counts[which]).map_or("", |period| &period.name);
    let mut sentences = Vec::new();
    if recorded > 0 {
        let headers = words::number(recorded);
        sentences.push(format!("{headers} headers record a source time, most of them in {}.", busiest(0)));
    }
    if own > 0 {
        let files = words::number(own);
        sentences.push(format!("{files} files have a time of their own, most of them in {}.", busiest(1)));
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a year, as near as an average year is long.
    fn year(year: i64) -> i64 {
        (year - 1970) * 31_556_952 + 86_400
    }

    fn drawn(times: &[i64]) -> Drawn {
        let mut timeline = Timeline::default();
        for &seconds in times {
            timeline.add(Which::Recorded, seconds);
        }
        timeline.draw()
    }

    fn names(drawn: &Drawn) -> Vec<&str> {
        drawn.bins.iter().map(|bin| bin.name.as_str()).collect()
    }

    #[test]
    fn a_short_span_is_drawn_by_month() {
        let drawn = drawn(&[year(2024), year(2024) + 90 * 86_400]);
        assert_eq!(drawn.unit, "month");
        assert_eq!(names(&drawn), ["2024-01", "2024-02", "2024-03", "2024-04"]);
        assert_eq!(drawn.text, "2 headers record a source time, most of them in 2024-04.");
    }

    #[test]
    fn a_sentinel_time_does_not_stretch_the_axis() {
        let drawn = drawn(&[0, year(2020), year(2022)]);
        assert_eq!(names(&drawn), ["1970", "2020", "2021", "2022"]);
        assert_eq!(drawn.bins.iter().map(|bin| bin.gap).collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[test]
    fn times_that_no_header_can_hold_are_gathered_at_the_ends() {
        let drawn = drawn(&[i64::MIN, -1, year(2024), year(3000), i64::MAX]);
        assert_eq!(names(&drawn), ["before 1970", "2024", "after 2106"]);
        assert_eq!(drawn.bins.iter().map(|bin| bin.recorded.as_str()).collect::<Vec<_>>(), ["2", "1", "2"]);
    }

    #[test]
    fn a_release_stands_in_its_year_and_the_earliest_counts() {
        let mut timeline = Timeline::default();
        for number in [2020, 2021, 2023] {
            timeline.add(Which::Own, year(number));
        }
        timeline.release("CPython 3.10", year(2021) + 45 * 86_400);
        timeline.release("CPython 3.10", year(2022));
        timeline.release("CPython 1.5", year(1998));
        let drawn = timeline.draw();
        assert_eq!(drawn.releases.iter().map(|each| each.label.as_str()).collect::<Vec<_>>(), ["3.10"]);
        let bin = &drawn.bins[1];
        assert!((bin.slot..bin.slot + drawn.step).contains(&drawn.releases[0].x));
        assert!(
            drawn.text.ends_with("The magic numbers came to be: CPython 1.5 1998-01, CPython 3.10 2021-02."),
            "{}",
            drawn.text
        );
    }

    #[test]
    fn many_years_become_decades() {
        let times: Vec<_> = (1970..2100).map(year).collect();
        let drawn = drawn(&times);
        assert_eq!(drawn.unit, "decade");
        assert_eq!(drawn.bins.len(), 13);
        assert!(drawn.bins.iter().all(|bin| bin.slot + drawn.step <= WIDTH));
    }

    #[test]
    fn the_smallest_count_is_still_seen() {
        let bars = bars([("a", 1_000_000, ""), ("b", 1, ""), ("c", 0, "")]);
        assert_eq!(bars.iter().map(|bar| bar.width).collect::<Vec<_>>(), [100, 1, 0]);
    }

    #[test]
    fn no_times_give_no_picture() {
        assert!(drawn(&[]).bins.is_empty());
    }
}
