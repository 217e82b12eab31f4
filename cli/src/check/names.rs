//! The names that a sheet may use for a quantity: the symbol itself, its ASCII forms, the documents' words.

use super::chain::Chain;

/// Other letters in use: for the candidate, and for the state of a simple network.
const ALIASES: [(&str, &[&str]); 4] =
    [("g", &["c~", "c̃", "c_tilde"]), ("n", &["h~", "h̃", "h_tilde"]), ("h", &["s"]), ("i·g", &["i*c~"])];

/// Finds the letter of the quantity that a name means in this cell.
pub fn letter(chain: &Chain, name: &str) -> Option<&'static str> {
    let words = |letter: &str| chain.of_unit(0, 0, letter).map_or("", |place| chain.quantity(place).name);
    let aliases = |letter: &str| ALIASES.iter().find(|(of, _)| *of == letter).map_or(&[][..], |&(_, names)| names);
    let known_as = |letter: &str, form: fn(&str) -> String| {
        let mut names = [letter, words(letter)].into_iter().chain(aliases(letter).iter().copied());
        names.any(|known| form(known) == form(name))
    };
    // Strictly first: where a GRU has both z_n and z·n, zn is the latter.
    let strictly = chain.letters().find(|letter| known_as(letter, plain));
    strictly.or_else(|| chain.letters().find(|letter| known_as(letter, |name| plain(name).replace('_', ""))))
}

/// Without multiplication signs, brackets, minus signs and blanks, in small letters.
fn plain(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.chars().filter(|sign| !"·*()[] ⁻-−+'’".contains(*sign)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::reader::Source;
    use crate::check::sheet::Sheet;

    fn chain(head: &str, gates: &[&str]) -> Chain {
        let mut text = head.to_string();
        for gate in gates {
            text += &format!("[weights.{gate}]\nh = 0.3\nx = 0.4\n");
        }
        text += "[[step]]\nx = 1\n[step.values]\nh = 0\n";
        Sheet::read(Source { file: "sheet", text: &text }).expect("a good sheet").chain
    }

    #[test]
    fn ascii_forms_and_words_mean_the_symbols_of_an_lstm() {
        let chain = chain("cell = \"lstm\"\n", &["forget", "input", "candidate", "output"]);
        for (name, expected) in [
            ("z_f", "z_f"),
            ("zf", "z_f"),
            ("f·c⁻", "f·c⁻"),
            ("f*c-", "f·c⁻"),
            ("fc", "f·c⁻"),
            ("c", "c"),
            ("C", "c"),
            ("c~", "g"),
            ("C~", "g"),
            ("c_tilde", "g"),
            ("i*g", "i·g"),
            ("ig", "i·g"),
            ("tanh_c", "tanh(c)"),
            ("tanhc", "tanh(c)"),
            ("forget gate", "f"),
            ("hidden_state", "h"),
        ] {
            assert_eq!(letter(&chain, name), Some(expected), "{name}");
        }
        assert_eq!(letter(&chain, "q"), None);
    }

    #[test]
    fn the_sum_and_the_product_of_a_gru_are_told_apart() {
        let chain = chain("cell = \"gru\"\nupdate = \"writes-new\"\n", &["reset", "update", "candidate"]);
        let names = [("z_n", "z_n"), ("zn", "z·n"), ("z*n", "z·n"), ("1-z", "1−z"), ("(1-z)*h-", "(1−z)·h⁻")];
        for (name, expected) in names {
            assert_eq!(letter(&chain, name), Some(expected), "{name}");
        }
        assert_eq!(letter(&chain, "R_n*h-"), Some("R_n·h⁻"));
        assert_eq!(letter(&chain, "r*(R_n*h-)"), Some("r·(R_n·h⁻)"));
        assert_eq!(letter(&chain, "h~"), Some("n"));
    }
}
