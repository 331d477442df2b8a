"""Plans carried out in PyTorch; scripts/check_training.py is its command line."""
