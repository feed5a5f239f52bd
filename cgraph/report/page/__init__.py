"""The page of a study: one HTML file to look at, choose in and click through, offline."""
