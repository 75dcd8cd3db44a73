"""What makes and checks the committed files, renders the chart and trims the image."""
