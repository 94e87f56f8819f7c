from django import forms
from django.contrib.auth.forms import UserCreationForm

from .cart import MOST
from .models import Order


class QuantityForm(forms.Form):
    quantity = forms.IntegerField(min_value=0, max_value=MOST)


class CheckoutForm(forms.ModelForm):
    class Meta:
        model = Order
        fields = ["name", "street", "city"]
        labels = {"name": "Your name", "street": "Street and number", "city": "City"}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "street": forms.TextInput(attrs={"autocomplete": "street-address"}),
            "city": forms.TextInput(attrs={"autocomplete": "address-level2"}),
        }


class RegisterForm(UserCreationForm):
    """Django's own form; the demo asks for nothing else."""
