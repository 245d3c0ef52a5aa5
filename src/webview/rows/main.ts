import './rows.css';
