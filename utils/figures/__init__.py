"""Figures for papers and READMEs, drawn by ``utils/draw_figures.py``."""
