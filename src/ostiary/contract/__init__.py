"""The API, said once: what each operation takes and answers, for whom, and which errors. No I/O, no framework."""
