"""`adopt`: makes the repo about the user's table. It decides once; everything else follows what it wrote."""
