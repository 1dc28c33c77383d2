"""HTTP in, job out. Holds no state and never loads torch."""
