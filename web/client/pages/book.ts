import { bookingForm } from '../book/form.ts';
import { startPage } from '../shell.ts';

startPage({ bookingForm: () => bookingForm() });
