"""Results and live state turned into what people read: numbers, words, maps and charts. No Dash here."""
