"""What watches: is the traffic still what the model was made for, and are its answers still good enough?"""
