//! Reading back the tables that people see.

/// The rows of a printed table under a symbol, cells two or more spaces apart.
pub fn rows<'a>(page: &'a str, symbol: &str) -> Vec<Vec<&'a str>> {
    page.lines().map(cells).filter(|cells| cells.first() == Some(&symbol)).collect()
}

/// The only row of a symbol.
#[track_caller]
pub fn row<'a>(page: &'a str, symbol: &str) -> Vec<&'a str> {
    let mut rows = rows(page, symbol);
    assert_eq!(rows.len(), 1, "rows of {symbol} in\n{page}");
    rows.remove(0)
}

fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// A number as the tables print it, with a true minus sign; whole numbers have no decimals.
pub fn printed(value: f64, digits: usize) -> String {
    let digits = if value.fract() == 0.0 { 0 } else { digits };
    format!("{value:.digits$}").replace('-', "−")
}
