#!/usr/bin/env node
import { launch } from './launch';

launch('drbd');
