"""Groups of similar programs: k-means, spectral clustering, k-medoids, and a plane to see them."""
