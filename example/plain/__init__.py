"""A basket service without any framework: who is being served stands in each of its log lines."""
